// Gives damaged transcripts to everything that reads them, many files at a time. CCR_FUZZ_LINES is the number of lines
// (npm run fuzz: a million), CCR_FUZZ_SEED the seed; a failure prints both and keeps the file.

import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { prompts } from "../../helpers/claude/history.ts";
import { lastMessages } from "../../helpers/claude/recent.ts";
import { liveSessions } from "../../helpers/claude/registry.ts";
import { parseLine, type Row } from "../../helpers/claude/rows.ts";
import { readFacts } from "../../helpers/claude/transcript.ts";
import { countRow } from "../../helpers/claude/usage.ts";
import { COLUMNS, sessionJson, sessionRows } from "../../helpers/cli/session-format.ts";
import { verdictOfFile } from "../../helpers/limits/tail.ts";
import { verdictOf } from "../../helpers/limits/verdict.ts";
import { type Session, sessionOf } from "../../helpers/sessions/session.ts";
import { newestOfAll } from "../../helpers/sessions/store.ts";
import { RecordReader } from "../../helpers/stats/record-reader.ts";
import { Hash, Records, WORDS } from "../../helpers/stats/records.ts";
import { table } from "../../helpers/terminal/table.ts";
import { type Harmed, harmedFile, sampleLines } from "../support/mutate.ts";
import { ccrSync } from "../support/program.ts";
import { Random } from "../support/random.ts";

const SEED = Number(process.env.CCR_FUZZ_SEED ?? 20_261_120);
/** 20,000 files have about 150,000 lines. */
const LINES = Number(process.env.CCR_FUZZ_LINES ?? 0);
const FILES = 20_000;
const BATCH = 1000;
const AROUND = { now: Date.UTC(2026, 10, 21), live: new Map(), cleanupPeriod: 30 * 86_400_000 };
/** C0 (but for newlines), DEL, C1, bidi and invisible characters: nothing of data may reach a terminal so. */
const HARMFUL =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;

const work = mkdtempSync(join(tmpdir(), "ccr-fuzz-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

const samples = sampleLines(".jsonl").filter((lines) => !lines[0]!.includes('"display"'));
const hash = new Hash();
const hashOf = (text: string, seed: number): string => {
  const bytes = Buffer.from(text);
  hash.of(bytes, 0, bytes.length, seed);
  return `${hash.low} ${hash.high}`;
};

/** Reads the messages of many files as statistics do, and tells them by hash of their ids, with their tokens. */
class Messages {
  readonly #records = new Records(null, new Uint32Array(8));
  readonly #reader = new RecordReader(this.#records, [""]);

  /** Reads a file; what it gave is known when all are read. */
  read(path: string, size: number): { first: number; count: number } {
    const first = this.#records.count;
    this.#records.beginFile();
    const fd = openSync(path, "r");
    const head = { start: null, session: null, offset: 0, skipped: 0 };
    this.#reader.read(fd, size, head, { key: path, folder: "folder", side: false });
    closeSync(fd);
    return { first, count: this.#records.count - first };
  }

  finish(): void {
    this.#records.finish();
  }

  of({ first, count }: { first: number; count: number }): Map<string, number> {
    const found = new Map<string, number>();
    const record = new Uint32Array(WORDS);
    for (let i = first; i < first + count; i++) {
      this.#records.read(i, record);
      const key = `${record[0]} ${record[1]}`;
      found.set(key, Math.max(found.get(key) ?? 0, record[4]! + record[5]! + record[6]! + record[7]!));
    }
    return found;
  }
}

/** What a list and JSON show of a session. */
function shown(session: Session): string {
  const lines = table(
    COLUMNS,
    sessionRows([session], { now: AROUND.now, unique: new Map(), time: "short" }),
    { room: 100, header: false },
  );
  JSON.stringify(sessionJson(session));
  return lines.join("\n");
}

function readOne(path: string, file: Harmed, id: string): void {
  const { last, answer, ...facts } = readFacts(path);
  expect(facts.bytes).toBe(file.bytes.length);
  const verdict = verdictOf(last, answer);
  // The quick look at the end of a file agrees with the long one.
  expect(verdictOfFile(path)).toEqual(verdict);
  const entry = {
    id,
    folder: "-f",
    path,
    bytes: file.bytes.length,
    mtime: 1,
    unreadable: null,
    facts: { ...facts, verdict },
  };
  expect(shown(sessionOf(entry, AROUND))).not.toMatch(HARMFUL);
  lastMessages(path, 3);
}

/** Every whole row is read as it is, and its message found by statistics. */
function checkWhole(file: Harmed, found: ReadonlyMap<string, number>): void {
  for (const line of file.whole) {
    const text = line.toString();
    const row: Row = JSON.parse(text);
    const { rows, lost } = parseLine(text);
    if (lost || rows.length !== 1) throw new Error(`a whole row was not read: ${text}`);
    const counted = countRow(row);
    if (!counted?.key) continue;
    const tokens = counted.input + counted.output + counted.cacheCreation + counted.cacheRead;
    const key = hashOf(counted.key, counted.kind === "prompt" ? 0x5f3759df : 0);
    if (!((found.get(key) ?? -1) >= tokens)) throw new Error(`a whole row was not counted: ${text}`);
  }
}

/** Runs a command over a home; it must end by itself, soon, without a stack and without control characters. */
function run(home: string, ...words: string[]): void {
  const env = { HOME: home, PATH: process.env.PATH!, LANG: "C.UTF-8", TZ: "UTC" };
  const { out: stdout, err: stderr, status, signal } = ccrSync({ path: home, env }, words);
  expect([words, signal]).toEqual([words, undefined]);
  expect([0, 1, 3], `${words}: ${stderr}`).toContain(status);
  expect(stderr).not.toMatch(/unexpected error:|^\s+at |internal/m);
  expect(stdout.match(HARMFUL)?.[0] ?? "", words.join(" ")).toBe("");
  if (words.includes("--json")) expect(JSON.parse(stdout).schema).toMatch(/^ccr\//);
}

function attempt(number: number, file: Harmed, check: () => void): void {
  try {
    check();
  } catch (error) {
    const kept = join(tmpdir(), `ccr-fuzz-${SEED}-${number}.jsonl`);
    writeFileSync(kept, file.bytes);
    throw new Error(`seed ${SEED}, file ${number} (${file.how}): kept as ${kept}`, { cause: error });
  }
}

test("every command survives damaged transcripts, and loses no row but the damaged ones", {
  timeout: 3_600_000,
}, () => {
  let files = 0;
  let lines = 0;
  let whole = 0;
  for (let batch = 0; files < FILES || lines < LINES; batch++) {
    const home = join(work, `home-${batch}`);
    const folder = join(home, ".claude/projects/-f");
    mkdirSync(folder, { recursive: true });
    vi.stubEnv("HOME", home);
    vi.stubEnv("CLAUDE_CONFIG_DIR", undefined);
    vi.stubEnv("XDG_CACHE_HOME", join(home, "cache"));
    const messages = new Messages();
    const read: [number, Harmed, { first: number; count: number }][] = [];
    for (let n = 0; n < BATCH; n++, files++) {
      const random = new Random(SEED, files);
      const file = harmedFile(samples, random);
      const id = `${random.hex(8)}-${random.hex(4)}-4${random.hex(3)}-a${random.hex(3)}-${random.hex(12)}`;
      const path = join(folder, `${id}.jsonl`);
      writeFileSync(path, file.bytes);
      lines += file.lines;
      whole += file.whole.length;
      attempt(files, file, () => {
        readOne(path, file, id);
        read.push([files, file, messages.read(path, file.bytes.length)]);
      });
    }
    messages.finish();
    for (const [number, file, part] of read) attempt(number, file, () => checkWhole(file, messages.of(part)));
    if (batch % 5 === 0) {
      const { entries } = newestOfAll(Number.POSITIVE_INFINITY);
      expect(entries).toHaveLength(BATCH);
      run(home, "list", "--all");
      run(home, "list", "2000", "--json");
      run(home, "find", "the", "--tools", "--limit", "0");
      run(home, "find", "hello", "mock", "--json");
      run(home, "stats");
      run(home, "stats", "--by", "project", "--csv");
      run(home, "check-limits", "--all");
    }
    rmSync(home, { recursive: true });
  }
  expect(whole).toBeGreaterThan(lines / 3);
});

test("every command survives a damaged history, and loses no prompt but the damaged ones", {
  timeout: 600_000,
}, () => {
  const history = sampleLines("history.jsonl");
  const path = join(work, "history.jsonl");
  for (let n = 0; n < 3000; n++) {
    const file = harmedFile(history, new Random(SEED + 1, n));
    writeFileSync(path, file.bytes);
    const found = [...prompts(path)].map(({ text, at }) => `${at} ${text}`);
    for (const line of file.whole) {
      const { display, timestamp } = JSON.parse(line.toString());
      expect(found, `seed ${SEED + 1}, file ${n} (${file.how})`).toContain(`${timestamp} ${display}`);
    }
  }
});

test("every command survives a damaged registry, and hides no other session", { timeout: 600_000 }, () => {
  const entries = sampleLines(".json").map((lines) => [Buffer.concat(lines)]);
  const live = JSON.stringify({ pid: process.pid, sessionId: "11111111-1111-4111-8111-111111111111" });
  for (let n = 0; n < 40; n++) {
    const directory = join(work, `registry-${n}`);
    mkdirSync(directory);
    writeFileSync(join(directory, `${process.pid}.json`), live);
    for (let i = 0; i < 5; i++) {
      const { bytes } = harmedFile(entries, new Random(SEED + 2, n * 100 + i));
      writeFileSync(join(directory, `${i + 1}.json`), bytes);
    }
    expect([...liveSessions(directory).keys()]).toContain("11111111-1111-4111-8111-111111111111");
  }
});

test("the damage of the fuzz tests depends on the seed alone", () => {
  const once = Array.from({ length: 50 }, (_, n) => harmedFile(samples, new Random(7, n)));
  const again = Array.from({ length: 50 }, (_, n) => harmedFile(samples, new Random(7, n)));
  expect(again).toEqual(once);
  expect(new Set(once.flatMap(({ how }) => how.split(", "))).size).toBeGreaterThan(12);
});
