// A home for one test: its own Claude directory and cache, and sessions written as Claude Code writes them.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, vi } from "vitest";
import { slug } from "../../helpers/claude/places.ts";
import { find } from "../../helpers/search/find.ts";
import type { Query } from "../../helpers/search/query.ts";
import { fold, literalWord, regexWord } from "../../helpers/search/words.ts";
import { root } from "../support/home.ts";

export let home = "";

export function useHome(): void {
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "ccr-search-"));
    vi.stubEnv("HOME", home);
    vi.stubEnv("CLAUDE_CONFIG_DIR", undefined);
    vi.stubEnv("XDG_CACHE_HOME", join(home, "cache"));
    vi.stubEnv("CCR_NO_WASM", undefined);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(home, { recursive: true, force: true });
  });
}

export const START = Date.UTC(2026, 9, 1);
export const idOf = (n: number): string => `${String(n).padStart(8, "0")}-0000-4000-8000-000000000000`;
export const fileOf = (n: number, project = "/work/app"): string =>
  join(home, ".claude/projects", slug(project), `${idOf(n)}.jsonl`);

type Line = string | Buffer | Record<string, unknown>;
const bytesOf = (line: Line): Buffer =>
  Buffer.isBuffer(line) ? line : Buffer.from(typeof line === "string" ? line : JSON.stringify(line));

/** Writes a transcript; its file's time is `n` minutes after the start. Lines end with a newline unless `open`. */
export function session(n: number, lines: readonly Line[], project = "/work/app", open = false): string {
  const path = fileOf(n, project);
  mkdirSync(join(path, ".."), { recursive: true });
  const bytes = Buffer.concat(lines.flatMap((line) => [bytesOf(line), Buffer.from("\n")]));
  writeFileSync(path, open ? bytes.subarray(0, -1) : bytes);
  const time = START / 1000 + n * 60;
  utimesSync(path, time, time);
  return path;
}

let counter = 0;
const about = (project: string, more: object) => ({
  isSidechain: false,
  cwd: project,
  sessionId: idOf(0),
  uuid: `00000000-0000-4000-8000-${String(counter++).padStart(12, "0")}`,
  timestamp: new Date(START).toISOString(),
  ...more,
});

export const prompt = (text: unknown, more: object = {}, project = "/work/app") => ({
  parentUuid: null,
  type: "user",
  message: { role: "user", content: text },
  ...about(project, more),
});
export const answer = (content: unknown, more: object = {}, project = "/work/app") => ({
  parentUuid: null,
  message: {
    model: "claude-x",
    id: "msg_1",
    type: "message",
    role: "assistant",
    content: typeof content === "string" ? [{ type: "text", text: content }] : content,
    stop_reason: null,
    usage: { input_tokens: 3, cache_creation: { ephemeral_5m_input_tokens: 0 }, output_tokens: 1 },
  },
  type: "assistant",
  ...about(project, more),
});

export const wanted = (words: readonly string[], more: Partial<Query> & { regex?: boolean } = {}): Query => ({
  words: words.map((word) => (more.regex ? regexWord(word) : literalWord(word))),
  tools: false,
  complete: false,
  here: null,
  project: null,
  ...more,
  ...(more.project ? { project: fold(more.project) } : {}),
});

export const UNBOUND = { limit: Number.POSITIVE_INFINITY, since: 0 };

/** Numbers of the sessions that hold the words, newest first. */
export async function found(
  words: readonly string[],
  more: Partial<Query> & { regex?: boolean } = {},
): Promise<number[]> {
  const { hits } = await find(wanted(words, more), UNBOUND);
  return hits.map((one) => one()).map(({ entry }) => Number(entry.id.slice(0, 8)));
}

export type Manifest = { entries: { sessionId: string; needles: string[]; project: string; end: string }[] };

/** Generated sessions; the same flags give the same bytes. */
export function generate(directory: string, ...flags: string[]): Manifest {
  execFileSync(process.execPath, [join(root, "tests/bench/gen-sessions.mjs"), "--out", directory, ...flags]);
  return JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8"));
}
