// Forks, snapshots and rollbacks of transcripts as they may be: torn, branched, compacted, hostile.

import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { StagedFile, statOrNull } from "../../helpers/system/staged-file.ts";
import { files, type Grown, grown, saidIn } from "../support/grown.ts";
import { type Home, makeHome } from "../support/home.ts";
import { ccr } from "../support/program.ts";

vi.setConfig({ testTimeout: 240_000 });

let home: Home;
let session: Grown;
beforeEach(() => {
  home = makeHome("ccr-branches-");
  session = grown(home, "shop", ["one", "two", "three"]);
});
afterEach(() => home.remove());

async function json(words: string[]) {
  const { out, err, status } = await ccr(home, [...words, "--json"]);
  expect(status, err).toBe(0);
  return JSON.parse(out);
}
const rowsOf = (path: string) =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
const prompts = (path: string): string[] => saidIn(path).filter((words) => !words.startsWith("Answer"));
const append = (row: object): void => appendFileSync(session.path, `${JSON.stringify(row)}\n`);
const state = (): string => join(home.path, ".local/state/ccr/snapshots");

describe("ccr fork", () => {
  test("copies the rows up to the cut under a new id, with their origin, and without the CLI's run records", async () => {
    append({ type: "last-prompt", lastPrompt: "three", sessionId: session.id });
    append({ type: "cost-state", sessionId: session.id });
    append({ type: "api-request", sessionId: session.id });
    const before = readFileSync(session.path);
    const { session: fork, at } = await json(["fork", session.id, "--at", "2"]);
    const rows = rowsOf(fork.transcript);
    const old = rowsOf(session.path);
    expect(rows.slice(0, -1)).toEqual(
      old.slice(0, 4).map((row) => ({
        ...row,
        sessionId: fork.id,
        forkedFrom: { sessionId: session.id, messageUuid: row.uuid },
      })),
    );
    expect(rows.at(-1)).toEqual({ type: "custom-title", customTitle: "one (fork)", sessionId: fork.id });
    expect(at).toBe(old[3].uuid);
    expect(statSync(fork.transcript).mode & 0o777).toBe(0o600);
    expect(readFileSync(session.path).equals(before)).toBe(true);
  });

  test("keeps the file history of its rows, and shares the files", async () => {
    const [first, , , , last] = rowsOf(session.path);
    const snapshot = (messageId: string) => ({
      type: "file-history-snapshot",
      messageId,
      snapshot: { messageId },
    });
    append(snapshot(first.uuid));
    append(snapshot(last.uuid));
    append({ type: "file-history-delta", messageId: first.uuid, sessionId: session.id });
    const history = join(home.path, ".claude/file-history", session.id);
    mkdirSync(history, { recursive: true });
    writeFileSync(join(history, "abc@v1"), "old");
    const { session: fork } = await json(["fork", session.id, "--at", "1"]);
    expect(rowsOf(fork.transcript).filter(({ type }) => type.startsWith("file-history"))).toEqual([
      snapshot(first.uuid),
      { type: "file-history-delta", messageId: first.uuid, sessionId: fork.id },
    ]);
    expect(readFileSync(join(home.path, ".claude/file-history", fork.id, "abc@v1"), "utf8")).toBe("old");
  });

  test("copies the full conversation from before a compaction, and from after it all that it needs", async () => {
    const last = rowsOf(session.path).at(-1);
    const boundary = "aaaaaaaa-0000-4000-8000-000000000001";
    append({
      type: "system",
      subtype: "compact_boundary",
      uuid: boundary,
      parentUuid: null,
      logicalParentUuid: last.uuid,
    });
    append({
      type: "user",
      uuid: "aaaaaaaa-0000-4000-8000-000000000002",
      parentUuid: boundary,
      isCompactSummary: true,
      message: { role: "user", content: "This is a summary" },
    });
    append({
      type: "user",
      uuid: "aaaaaaaa-0000-4000-8000-000000000003",
      parentUuid: "aaaaaaaa-0000-4000-8000-000000000002",
      message: { role: "user", content: "four" },
    });
    const { turns } = await json(["fork", session.id, "--list"]);
    expect(turns.map(({ prompt }: { prompt: string }) => prompt)).toEqual(["one", "two", "three", "four"]);
    expect(prompts((await json(["fork", session.id, "--at", "2"])).session.transcript)).toEqual([
      "one",
      "two",
    ]);
    expect(rowsOf((await json(["fork", session.id])).session.transcript)).toHaveLength(10);
    const refused = await ccr(home, ["fork", session.id, "--at", boundary]);
    expect([refused.status, refused.err]).toEqual([2, expect.stringContaining("--at 3")]);
  });

  test("follows the branch that was resumed last, and says so when there are newer ones", async () => {
    const rows = rowsOf(session.path);
    append({ type: "last-prompt", leafUuid: rows[1].uuid, sessionId: session.id });
    const { session: fork, turns } = await json(["fork", session.id]);
    expect(turns).toHaveLength(1);
    expect(prompts(fork.transcript)).toEqual(["one"]);
    // A branch that was left, and then gone on with: the rows of both stay, the last one counts.
    append({
      type: "user",
      uuid: "b1",
      parentUuid: rows[1].uuid,
      message: { role: "user", content: "else" },
    });
    expect((await json(["fork", session.id])).turns.map(({ prompt }: { prompt: string }) => prompt)).toEqual([
      "one",
      "else",
    ]);
    // One that begins anew.
    append({ type: "user", uuid: "b2", parentUuid: null, message: { role: "user", content: "anew" } });
    const { session: anew, turns: one } = await json(["fork", session.id]);
    expect([one.length, rowsOf(anew.transcript).at(-2).uuid]).toEqual([1, "b2"]);
    const back = await ccr(home, ["fork", session.id, "--at", rows[4].uuid]);
    expect([back.status, back.err]).toEqual([2, expect.stringContaining("no message of the main chain")]);
  });

  test("copies the good rows of torn, doubled and spliced lines once, and says what is lost", async () => {
    const text = readFileSync(session.path, "utf8");
    const [first, second, ...rest] = text.trim().split("\n") as [string, string, ...string[]];
    writeFileSync(
      session.path,
      [
        `\ufeff${first}\r`,
        second + rest[0],
        "\0\0\0",
        '{"type":"user","uuid":"torn',
        ...rest.slice(1),
        text,
      ].join("\n"),
    );
    const { session: fork, warnings } = await json(["fork", session.id]);
    expect(saidIn(fork.transcript)).toHaveLength(6);
    expect(warnings).toMatchObject([{ kind: "damaged" }]);
    expect(fork.damaged).toBe(false);
  });

  test("leaves out rows that are nested too deeply to be written, and says so", async () => {
    const [first] = rowsOf(session.path);
    const deep = JSON.stringify({ ...first, uuid: "deep", parentUuid: null, toolUseResult: "@" });
    appendFileSync(session.path, `${deep.replace('"@"', "[".repeat(50_000) + "]".repeat(50_000))}\n`);
    session.say("four");
    const { session: fork, warnings } = await json(["fork", session.id]);
    expect(warnings).toMatchObject([
      { kind: "damaged", message: expect.stringContaining("left out 1 damaged line of") },
    ]);
    expect(readFileSync(fork.transcript, "utf8")).not.toContain("[[[");
    expect(prompts(fork.transcript).at(-1)).toBe("four");
  });

  test("ends when a parent is missing or parents form a circle", async () => {
    const rows = rowsOf(session.path);
    rows[3].parentUuid = "cccccccc-0000-4000-8000-000000000000";
    writeFileSync(session.path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    expect((await json(["fork", session.id, "--list"])).turns).toHaveLength(3);
    rows[0].parentUuid = rows[5].uuid;
    writeFileSync(session.path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    expect((await json(["fork", session.id, "--at", "2"])).session.damaged).toBe(false);
  });

  test("refuses an --at that names no place to cut in one line, and writes nothing", async () => {
    const before = files(home).size;
    for (const at of ["0", "4", "99", "abc", "zzzz", "", "../..", "\u001b[31m"]) {
      const { status, err } = await ccr(home, ["fork", session.id, "--at", at]);
      expect([status, err], at).toEqual([2, expect.stringMatching(/^ccr: .*\n {5}.*\n$/)]);
    }
    const empty = join(session.path, `../${"0".repeat(8)}-0000-4000-8000-000000000000.jsonl`);
    writeFileSync(empty, '{"type":"mode"}\n');
    expect((await ccr(home, ["fork", "00000000"])).err).toContain("no message");
    expect(files(home).size).toBe(before + 1);
  });
});

describe("ccr snapshot and rollback", () => {
  test("store a full copy, and share equal pieces", async () => {
    appendFileSync(session.path, `${JSON.stringify({ type: "x", filler: "y".repeat(3_000_000) })}\n`);
    const { snapshot } = await json(["snapshot", session.id, "-m", "a note"]);
    expect(snapshot).toMatchObject({ session: session.id, note: "a note", git: null, title: "one" });
    const pieces = () => readdirSync(join(state(), "pieces"), { recursive: true }).length;
    const before = pieces();
    session.say("four");
    await json(["snapshot", session.id]);
    expect(pieces() - before).toBeLessThanOrEqual(2);
    for (const name of readdirSync(state(), { recursive: true, encoding: "utf8" })) {
      const { mode, nlink } = statSync(join(state(), name));
      expect([mode & 0o077, existsSync(join(state(), name)) && nlink < 2 ? 1 : 2], name).toEqual([
        0,
        statSync(join(state(), name)).isDirectory() ? 2 : 1,
      ]);
    }
    const { out } = await ccr(home, ["snapshots"]);
    expect(out).toMatch(/a note/);
    expect((await ccr(home, ["snapshots", session.id.slice(0, 8)])).out.split("\n")).toHaveLength(4);
  });

  test("store a session whose directory cannot exist", async () => {
    writeFileSync(
      session.path,
      readFileSync(session.path, "utf8").replace(/"cwd":"[^"]*"/g, '"cwd":"/a\\u0000b"'),
    );
    const before = readFileSync(session.path);
    const { snapshot } = await json(["snapshot", session.id]);
    expect(snapshot.git).toBeNull();
    await json(["rollback", session.id, snapshot.id]);
    expect(readFileSync(session.path).equals(before)).toBe(true);
  });

  test("leave out files whose names are invalid elsewhere, and say so", async () => {
    const own = join(session.path.slice(0, -6), "tool-results");
    mkdirSync(own, { recursive: true });
    writeFileSync(Buffer.concat([Buffer.from(`${own}/not`), Buffer.from([0xff]), Buffer.from("utf8")]), "x");
    for (const name of ["new\nline", "back\\slash", "Same", "same", "#(touch x)"])
      writeFileSync(join(own, name), name);
    const { snapshot, warnings } = await json(["snapshot", session.id]);
    expect(warnings).toHaveLength(4);
    expect(warnings).toMatchObject(Array(4).fill({ kind: "left-out" }));
    rmSync(join(own, "#(touch x)"));
    const back = await ccr(home, ["rollback", session.id, snapshot.id]);
    expect(back.status, back.err).toBe(0);
    expect(readFileSync(join(own, "#(touch x)"), "utf8")).toBe("#(touch x)");
    expect(readdirSync(own)).toHaveLength(6);
  });

  test("restore a deleted session with all its files", async () => {
    const own = session.path.slice(0, -6);
    mkdirSync(join(own, "tool-results"), { recursive: true });
    writeFileSync(join(own, "tool-results/x.txt"), "result");
    const before = readFileSync(session.path);
    const { snapshot } = await json(["snapshot", session.id]);
    rmSync(session.path);
    rmSync(own, { recursive: true });
    const { before: kept } = await json(["rollback", session.id.slice(0, 8), snapshot.id]);
    expect(kept).toBeNull();
    expect(readFileSync(session.path).equals(before)).toBe(true);
    expect(readFileSync(join(own, "tool-results/x.txt"), "utf8")).toBe("result");
    expect(statSync(session.path).mode & 0o777).toBe(0o600);
  });

  test("can be undone, and leave the other files of the session alone", async () => {
    const own = session.path.slice(0, -6);
    mkdirSync(own);
    writeFileSync(join(own, "a"), "then");
    const { snapshot } = await json(["snapshot", session.id]);
    const early = readFileSync(session.path);
    writeFileSync(join(own, "a"), "now");
    session.say("four");
    const late = readFileSync(session.path);
    const { before } = await json(["rollback", session.id, snapshot.id.slice(0, 4)]);
    expect(readFileSync(session.path).equals(early)).toBe(true);
    expect(readFileSync(join(own, "a"), "utf8")).toBe("now");
    expect(Date.now() - statSync(session.path).mtimeMs).toBeLessThan(600_000);
    await json(["rollback", session.id, before.id]);
    expect(readFileSync(session.path).equals(late)).toBe(true);
  });

  test("refuse a piece that is damaged, missing or a bomb in one line, and leave the session alone", async () => {
    const { snapshot } = await json(["snapshot", session.id]);
    session.say("four");
    const before = readFileSync(session.path);
    const { files: kept } = JSON.parse(
      readFileSync(join(state(), session.id, `${snapshot.id}.json`), "utf8"),
    );
    const [sum] = kept[0].pieces;
    const piece = join(state(), "pieces", sum.slice(0, 2), sum);
    const good = readFileSync(piece);
    const other = gzipSync(Buffer.concat([gunzipSync(good), Buffer.from("x")]));
    for (const bad of [
      Buffer.alloc(0),
      good.subarray(0, -9),
      other,
      gzipSync(Buffer.alloc(20_000_000)),
      null,
    ]) {
      if (bad) writeFileSync(piece, bad);
      else rmSync(piece);
      const { status, err } = await ccr(home, ["rollback", session.id, snapshot.id]);
      expect([status, err]).toEqual([1, expect.stringMatching(/^ccr: a piece of the snapshot .*\n/)]);
      expect(readFileSync(session.path).equals(before)).toBe(true);
    }
  });

  test("refuse a snapshot that names other places", async () => {
    const { snapshot } = await json(["snapshot", session.id]);
    const file = join(state(), session.id, `${snapshot.id}.json`);
    const good = JSON.parse(readFileSync(file, "utf8"));
    const [{ pieces }] = good.files;
    session.say("four");
    for (const bad of [
      { ...good, files: [{ name: "files/../../../../evil", size: 1, pieces }] },
      { ...good, files: [{ name: "files/x", size: 1, pieces: ["../../../etc/passwd"] }] },
      { ...good, session: "../../evil" },
      { ...good, id: "../x" },
      { ...good, files: "x" },
      null,
      [],
    ]) {
      writeFileSync(file, JSON.stringify(bad));
      const { status, err } = await ccr(home, ["rollback", session.id, snapshot.id]);
      expect([status, err]).toEqual([1, expect.stringMatching(/^ccr: /)]);
      expect(err).not.toContain("unexpected");
      expect((await ccr(home, ["snapshots"])).status).toBe(0);
    }
    expect(prompts(session.path)).toEqual(["one", "two", "three", "four"]);
    expect(existsSync(join(home.path, "evil"))).toBe(false);
  });

  test("delete a named snapshot with its own pieces, and keep the session and other snapshots", async () => {
    const filler = () => randomBytes(1_500_000).toString("base64");
    const { snapshot: first } = await json(["snapshot", session.id]);
    append({ type: "x", filler: filler() });
    const { snapshot: second } = await json(["snapshot", session.id]);
    append({ type: "x", filler: filler() });
    const { snapshot: third } = await json(["snapshot", session.id]);
    const kept = readFileSync(session.path);
    const pieces = () => readdirSync(join(state(), "pieces"), { recursive: true, encoding: "utf8" });
    const before = pieces();
    // Not asked, not known, not unique, beside one that is known: nothing is deleted.
    for (const [words, status] of [
      [["--delete", second.id], 2],
      [["--delete", "--json", second.id], 2],
      [["--delete", "--force"], 2],
      [["--delete", "--force", second.id, "zz"], 1],
      [["--delete", "--force", second.id, ""], 1],
      [[session.id, second.id], 2],
    ] as const) {
      const ran = await ccr(home, ["snapshots", ...words]);
      expect([ran.status, ran.out], ran.err).toEqual([status, ""]);
    }
    expect(pieces()).toEqual(before);
    const { deleted, snapshots, freed } = await json(["snapshots", "--delete", "-f", second.id, second.id]);
    expect([deleted, snapshots.map(({ id }: { id: string }) => id)]).toEqual([
      [second.id],
      [third.id, first.id],
    ]);
    expect(freed).toBeGreaterThan(0);
    expect(pieces().length).toBeLessThan(before.length);
    expect(pieces().some((name) => name.includes("leaving"))).toBe(false);
    expect(readFileSync(session.path).equals(kept)).toBe(true);
    await json(["rollback", session.id, first.id]);
    await json(["rollback", session.id, third.id]);
    expect(readFileSync(session.path).equals(kept)).toBe(true);
    const said = await ccr(home, ["snapshots", "--delete", "--force", first.id.slice(0, 7)]);
    expect([said.status, said.err]).toEqual([0, expect.stringMatching(/^1 snapshot deleted, .* freed\n$/)]);
  });

  test("keep all pieces of a snapshot that is taken while others are deleted, also when one is killed", async () => {
    const { snapshot: first } = await json(["snapshot", session.id]);
    const pieces = join(state(), "pieces");
    // As where it was ended after it had put the pieces aside.
    for (const name of readdirSync(pieces, { recursive: true, encoding: "utf8" }))
      if (statSync(join(pieces, name)).isFile())
        renameSync(join(pieces, name), join(pieces, `${name}.leaving`));
    await json(["rollback", session.id, first.id]);
    for (let i = 0; i < 6; i++) {
      const old: { id: string }[] = (await json(["snapshots"])).snapshots;
      const [{ snapshot }] = await Promise.all([
        json(["snapshot", session.id]),
        ccr(home, ["snapshots", "--delete", "-f", ...old.map(({ id }) => id)]),
      ]);
      const left: { id: string }[] = (await json(["snapshots"])).snapshots;
      expect(left.map(({ id }) => id)).toContain(snapshot.id);
      await json(["rollback", session.id, snapshot.id]);
    }
  });

  test("answer unknown snapshots and sessions in one line that says where to look", async () => {
    await json(["snapshot", session.id]);
    for (const words of [
      ["rollback", session.id],
      ["rollback", session.id, "zz"],
      ["rollback", "nothing", "aaaa"],
      ["snapshot"],
      ["snapshot", "nothing"],
      ["snapshots", "nothing"],
    ]) {
      const { status, err } = await ccr(home, words);
      expect([1, 2], words.join(" ")).toContain(status);
      expect(err, words.join(" ")).toMatch(/^ccr: .*\n {5}/);
    }
  });

  test("lose nothing where nothing can be written", async () => {
    writeFileSync(join(home.path, ".local"), "a file");
    const before = readFileSync(session.path);
    const { status, err } = await ccr(home, ["snapshot", session.id]);
    expect([status, err]).toEqual([1, expect.stringMatching(/^ccr: .*not a directory/)]);
    rmSync(join(home.path, ".local"));
    expect(readFileSync(session.path).equals(before)).toBe(true);
  });

  test("leave a file alone that is written to while it is replaced", () => {
    const base = statOrNull(session.path);
    const staged = new StagedFile(session.path);
    staged.write("shorter\n");
    session.say("four");
    const before = readFileSync(session.path);
    expect(() => staged.commit(base)).toThrow("was written to meanwhile");
    expect(readFileSync(session.path).equals(before)).toBe(true);
    expect(readdirSync(join(session.path, "..")).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});
