import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Redactor } from "../../helpers/redact/redactor.ts";
import { FORMATS, type Format, renderPage } from "../../helpers/render/render.ts";
import { harmless } from "../redact/secrets.ts";
import { Writer } from "./transcript.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ccr-pages-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function page(
  format: Format,
  writer: Writer,
  redactor: Redactor | null = new Redactor(),
  title = "A title",
): string {
  const path = join(folder, "t.jsonl");
  writeFileSync(path, `${writer.rows.join("\n")}\n`);
  const at = Date.parse("2026-11-17T18:37:00Z");
  const head = { id: writer.id, title, project: "/home/me/app", createdAt: at, updatedAt: at + 3_600_000 };
  return [...renderPage(format, path, head, redactor)].join("");
}

const HEAD = "/home/me/app";

describe("redaction of pages", () => {
  test.each(FORMATS)("keeps hashes, ids and placeholders in %s", (format) => {
    const w = new Writer(HEAD);
    for (const text of harmless(5)) if (text.length < 200) w.prompt(text);
    const redactor = new Redactor();
    page(format, w, redactor);
    expect(redactor.report()).toBe("");
  });
});
