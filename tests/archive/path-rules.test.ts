import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compareTranscripts } from "../../helpers/archive/compare.ts";
import { mapTranscript } from "../../helpers/archive/map-transcript.ts";
import { type PathRule, pathMapper } from "../../helpers/archive/path-rules.ts";
import { mapRowPaths } from "../../helpers/claude/rows.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ccr-paths-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;
const written = (text: string): string => {
  const path = join(folder, `f${count++}`);
  writeFileSync(path, text);
  return path;
};
function mapped(text: string, rules: readonly PathRule[]): string {
  const to = join(folder, `t${count++}`);
  mapTranscript(written(text), to, rules);
  return readFileSync(to, "utf8");
}
const line = (row: unknown): string => `${JSON.stringify(row)}\n`;

describe("a mapped path", () => {
  test("follows the longest rule, whole names only, and the first of two equal rules", () => {
    const map = pathMapper([
      ["/a", "/x"],
      ["/a/b", "/y"],
      ["/a/b", "/no"],
      ["/", "/root"],
    ]);
    const cases = {
      "/a": "/x",
      "/a/c": "/x/c",
      "/a/b": "/y",
      "/a/b/c": "/y/c",
      "/ab": "/root/ab",
      "/a/bc": "/x/bc",
    };
    for (const [from, to] of Object.entries(cases)) expect(map(from)).toBe(to);
  });

  test("changes in the known fields, and nowhere else", () => {
    const row = () => ({
      cwd: "/a/b",
      text: "/a/b",
      message: { content: [{ input: { cwd: "/a", file_path: "/a/f" }, signature: "/a" }] },
      toolUseResult: { persistedOutputPath: "/a/o", stdout: "/a" },
      attachment: { planFilePath: "/a/p", snapshot: { workingDirectory: "/a" } },
      snapshot: {
        trackedFileBackups: { "note.txt": { realParentDir: "/a" }, "/a/abs": { realParentDir: "/b" } },
      },
      worktreeSession: { originalCwd: "/a", worktreePath: "/a/w" },
    });
    const moved = row();
    expect(mapRowPaths(moved, pathMapper([["/a", "/z"]]))).toBe(true);
    expect(moved).toEqual({
      ...row(),
      cwd: "/z/b",
      toolUseResult: { persistedOutputPath: "/z/o", stdout: "/a" },
      attachment: { planFilePath: "/z/p", snapshot: { workingDirectory: "/a" } },
      snapshot: {
        trackedFileBackups: { "note.txt": { realParentDir: "/z" }, "/z/abs": { realParentDir: "/b" } },
      },
      worktreeSession: { originalCwd: "/z", worktreePath: "/z/w" },
    });
    expect(mapRowPaths(row(), pathMapper([["/elsewhere", "/z"]]))).toBe(false);
  });
});

describe("a transcript with mapped paths", () => {
  test("keeps the bytes of rows in which nothing changes, damage and all", () => {
    const odd = [
      '{ "type" : "user",  "cwd":"/other", "n": 1.0 }',
      "",
      '{"type":"user","cwd":"/a/b","torn',
      "\u0000\u0000\u0000",
      '{"type":"x","text":"/a/b in text"}\r',
      '{"last":"without newline"}',
    ].join("\n");
    expect(mapped(odd, [["/a", "/z"]])).toBe(odd.replace("\n\n", "\n"));
  });

  test("gets two lines for two rows in one line, and loses rows with old system prompts", () => {
    const both = `${JSON.stringify({ type: "user", cwd: "/a" })}${JSON.stringify({ type: "user", cwd: "/b" })}\n`;
    const prompt = line({ type: "attachment", uuid: "u", attachment: { type: "prompt_snapshot" } });
    expect(mapped(both + prompt + line({ type: "api-request-blob" }), [["/a", "/z"]])).toBe(
      line({ type: "user", cwd: "/z" }) + line({ type: "user", cwd: "/b" }),
    );
    // A row that speaks of it is none.
    const talk = line({ type: "user", text: '"prompt_snapshot" "api-request' });
    expect(mapped(talk, [["/a", "/z"]])).toBe(talk);
  });
});

describe("two copies of a session", () => {
  const rows = (n: number, cwd = "/a", from = 0) =>
    Array.from({ length: n }, (_, i) => line({ type: "user", uuid: `u${from + i}`, cwd, text: "t" })).join(
      "",
    );
  const relation = (ours: string, theirs: string) => compareTranscripts(written(ours), written(theirs));

  test("are compared by their rows: paths, system prompts and rows without uuid do not count", () => {
    const extra = line({ type: "last-prompt" }) + line({ type: "api-request", uuid: "x" });
    expect(relation(rows(3), rows(3)).is).toBe("same");
    expect(relation(rows(3), extra + rows(3, "/z") + extra).is).toBe("same");
    expect(relation(rows(3), rows(2, "/z")).is).toBe("ours-longer");
    expect(relation("", "").is).toBe("same");
    expect(relation(rows(2), rows(1) + rows(1, "/a", 7)).is).toBe("different");
    expect(relation(rows(1).replace('t"', 'other"'), rows(1)).is).toBe("different");
  });
});
