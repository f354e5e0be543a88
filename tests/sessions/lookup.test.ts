import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { slug } from "../../helpers/claude/places.ts";
import { lookup } from "../../helpers/sessions/lookup.ts";

let home: string;
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "ccr-lookup-")));
  vi.stubEnv("HOME", home);
  vi.stubEnv("CLAUDE_CONFIG_DIR", undefined);
  vi.stubEnv("XDG_CACHE_HOME", join(home, "cache"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

function session(
  id: string,
  title: string,
  options: { project?: string; minute?: number; name?: string } = {},
): void {
  const project = options.project ?? "/work/app";
  const path = join(home, ".claude/projects", slug(project), `${id}.jsonl`);
  mkdirSync(dirname(path), { recursive: true });
  const timestamp = new Date(Date.UTC(2026, 10, 1, 0, options.minute ?? 0)).toISOString();
  const rows: object[] = [{ type: "user", message: { content: title }, cwd: project, timestamp }];
  if (options.name) rows.push({ type: "custom-title", customTitle: options.name });
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}

const A = "4bb63347-fb0d-4478-85b2-c7d1a7f248fa";
const B = "4bb6aaaa-fb0d-4478-85b2-c7d1a7f248fa";
const C = "dae96318-fb0d-4478-85b2-c7d1a7f248fa";

const ids = (word: string, directory?: string): string[] => {
  const found = lookup(word, directory);
  if (found.kind === "one") return [found.entry.id];
  if (found.kind === "many") return found.entries.map(({ id }) => id);
  return [];
};

test("looking up a session takes a full id and a unique beginning in any case, and reports an ambiguous one", () => {
  session(A, "one", { minute: 1 });
  session(B, "two", { minute: 2 });
  session(C, "three");
  expect(ids(A)).toEqual([A]);
  expect(ids("4BB633")).toEqual([A]);
  expect(ids("d")).toEqual([C]);
  expect(lookup("4bb6")).toMatchObject({ kind: "many", by: "id", total: 2 });
  expect(ids("4bb6")).toEqual([B, A]);
});

test("looking up a session prefers an exact title to a part, which must be of one title only", () => {
  session(A, "Rate limits in the gateway");
  session(B, "x", { name: "gateway" });
  session(C, "Checkout: retry on 502");
  expect(ids("gateway")).toEqual([B]);
  expect(ids("rate LIMITS  in")).toEqual([A]);
  expect(ids("checkout")).toEqual([C]);
  expect(lookup("t")).toMatchObject({ kind: "many", by: "title" });
});

test("looking up a session takes hexadecimal digits that are no id for a title", () => {
  session(A, "x", { name: "decade" });
  expect(ids("decade")).toEqual([A]);
});

test("looking up . gives the newest session of this directory, also through a symbolic link", () => {
  const here = join(home, "projects/app");
  mkdirSync(here, { recursive: true });
  symlinkSync(here, join(home, "link"));
  session(A, "old", { project: here, minute: 1 });
  session(B, "new", { project: here, minute: 2 });
  session(C, "elsewhere", { minute: 3 });
  expect(ids(".", here)).toEqual([B]);
  expect(ids(".", join(home, "link"))).toEqual([B]);
  expect(lookup(".", home)).toMatchObject({ kind: "none" });
});

test("looking up a directory gives its own sessions only, though another one shares its folder name", () => {
  session(A, "under", { project: "/work/a_b" });
  session(B, "dash", { project: "/work/a-b" });
  expect(ids(".", "/work/a_b")).toEqual([A]);
});

test("looking up a deleted session is told apart from one that never was", () => {
  session(A, "one");
  const line = { display: "remember me", timestamp: 1_795_181_263_579, project: "/work/gone", sessionId: C };
  writeFileSync(join(home, ".claude/history.jsonl"), `${JSON.stringify(line)}\n`);
  expect(lookup("dae96318")).toMatchObject({ kind: "gone", id: C, project: "/work/gone" });
  expect(lookup("deadbeef")).toMatchObject({ kind: "none", near: [{ id: A }] });
});

test("looking up patterns, paths or control characters finds nothing and does no harm", () => {
  session(A, "one");
  for (const word of [".*", "../..", "\u0000", "$(id)", "x".repeat(10_000), "%s"])
    expect(ids(word)).toEqual([]);
});
