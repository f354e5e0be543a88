// A session for people: one text, in pieces, so that a large one is never in memory.

import { readItems } from "../conversation/items.ts";
import type { Redactor } from "../redact/redactor.ts";
import { html } from "./html.ts";
import { asJson } from "./json.ts";
import { markdown } from "./markdown.ts";
import type { PageHead } from "./page-text.ts";

export const FORMATS = ["md", "html", "json"] as const;
export type Format = (typeof FORMATS)[number];

/** The pieces of a page. Without a redactor nothing is taken out. `seen` gets the bytes read, and of how many. */
export function* renderPage(
  format: Format,
  path: string,
  head: PageHead,
  redactor: Redactor | null,
  seen?: (done: number, all: number) => void,
): Generator<string> {
  const page = { md: markdown, html, json: asJson }[format];
  const clean = redactor ? redactor.value(head) : head;
  yield* page(clean, readItems(path, redactor, seen), redactor);
}
