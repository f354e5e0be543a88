import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, test } from "vitest";
import { readFacts } from "../../helpers/claude/transcript.ts";
import { titleOf } from "../../helpers/sessions/session.ts";

const SAMPLES = join(import.meta.dirname, "../fixtures/claude");
// Read from the files by eye and jq, not by ccr: titles are given by their first 60 characters.
const TABLE = readFileSync(join(import.meta.dirname, "samples.tsv"), "utf8")
  .trimEnd()
  .split("\n")
  .slice(1);

test("the table names every sample transcript", () => {
  expect(TABLE).toHaveLength(122);
});

test.each(TABLE.map((line) => line.split("\t") as [string, ...string[]]))(
  "%s has its start directory, title, version and time",
  (file, start, titleFrom, title, version, entrypoint, updatedAt) => {
    const path = join(SAMPLES, file);
    const facts = readFacts(path);
    const id = basename(file, ".jsonl").split(".").at(-1)!;
    const named = titleOf({
      id,
      path,
      folder: basename(dirname(file)),
      bytes: facts.bytes,
      mtime: 0,
      facts: { ...facts, verdict: { state: "none" } },
      unreadable: null,
    });
    expect({
      start: facts.start,
      titleFrom: named.titleFrom,
      title: (named.title ?? "").slice(0, 60).trimEnd(),
      version: facts.version,
      entrypoint: String(facts.entrypoint ?? "None"),
      updatedAt: new Date(facts.updatedAt!).toISOString(),
    }).toEqual({ start, titleFrom, title: title!.trimEnd(), version, entrypoint, updatedAt });
    expect(facts.skipped).toBe(0);
    expect(facts.unknown).toBe(0);
  },
);
