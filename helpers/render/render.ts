// A session as a page for people.

import { readItems } from "../conversation/items.ts";
import type { Redactor } from "../redact/redactor.ts";
import { html } from "./html.ts";
import { asJson } from "./json.ts";
import { markdown } from "./markdown.ts";
import type { PageHead } from "./page-text.ts";

export const FORMATS = ["md", "html", "json"] as const;
export type Format = (typeof FORMATS)[number];

/** Yields a page in pieces, so that a large one is never in memory. Without a redactor nothing is removed. */
export function* renderPage(
  format: Format,
  path: string,
  head: PageHead,
  redactor: Redactor | null,
  onProgress?: (done: number, all: number) => void,
): Generator<string> {
  const page = { md: markdown, html, json: asJson }[format];
  const clean = redactor ? redactor.value(head) : head;
  yield* page(clean, readItems(path, redactor, onProgress), redactor);
}
