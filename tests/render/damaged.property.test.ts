// Harmed transcripts of the real CLI through every page and through the redactor. CCR_FUZZ_SEED is what to begin with.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Redactor } from "../../helpers/redact/redactor.ts";
import { FORMATS, renderPage } from "../../helpers/render/render.ts";
import { harmedFile, sampleLines } from "../support/mutate.ts";
import { Random } from "../support/random.ts";

const SEED = Number(process.env.CCR_FUZZ_SEED ?? 20_261_121);
const FILES = 600;
const folder = mkdtempSync(join(tmpdir(), "ccr-harmed-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("every page of a damaged transcript is whole, without a tag or a control character of the transcript", () => {
  const samples = sampleLines(".jsonl").filter((lines) => !lines[0]!.includes('"display"'));
  const path = join(folder, "t.jsonl");
  const head = { id: "x", title: null, project: null, createdAt: Number.MAX_VALUE, updatedAt: -1 };
  for (let i = 0; i < FILES; i++) {
    const { bytes } = harmedFile(samples, new Random(SEED, i));
    writeFileSync(path, bytes);
    for (const format of FORMATS) {
      const what = `CCR_FUZZ_SEED=${SEED}, file ${i}, ${format}`;
      let page = "";
      try {
        page = [...renderPage(format, path, head, i % 2 ? new Redactor() : null)].join("");
      } catch (error) {
        throw new Error(what, { cause: error });
      }
      if (format === "json") {
        expect(JSON.parse(page).messages, what).toBeInstanceOf(Array);
        continue;
      }
      expect(page, what).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
      expect(page.split("<details").length, what).toBe(page.split("</details>").length);
      if (format === "html") {
        expect(page.endsWith("</footer></html>\n"), what).toBe(true);
        expect(page, what).not.toMatch(/<(?:script|iframe|link|object)/i);
      }
    }
  }
}, 240_000);

test("the redactor keeps every line that is JSON as JSON", () => {
  const samples = sampleLines(".jsonl");
  const redactor = new Redactor();
  for (let i = 0; i < FILES; i++) {
    const { bytes } = harmedFile(samples, new Random(SEED + 1, i));
    for (const line of bytes.toString().split("\n")) {
      let parsed = true;
      try {
        JSON.parse(line);
      } catch {
        parsed = false;
      }
      const clean = redactor.line(line);
      if (parsed && clean !== null) JSON.parse(clean);
    }
  }
}, 240_000);
