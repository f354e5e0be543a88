// Two homes and what lies between them: a folder, or a stand-in for ssh that starts the other home's own ccr.

import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { slug } from "../../helpers/claude/places.ts";
import { files, grown, present, saidIn } from "../support/grown.ts";
import { type Home, makeHome } from "../support/home.ts";
import { bundle, ccr } from "../support/program.ts";

vi.setConfig({ testTimeout: 240_000 });

let a: Home;
let b: Home;
let folder: string;
beforeEach(() => {
  a = makeHome("ccr-a-");
  b = makeHome("ccr-b-");
  folder = join(a.around, "shared");
  mkdirSync(folder);
});
afterEach(async () => {
  await a.remove();
  await b.remove();
});

type Session = { id: string; action: string; detail: string | null; forks: string[] };
async function sync(home: Home, target = folder, more: string[] = []) {
  const { out, err, status } = await ccr(home, ["sync", target, "--json", ...more]);
  expect(status, err).toBe(0);
  const { sessions, unchanged } = JSON.parse(out) as { sessions: Session[]; unchanged: number };
  return { sessions, unchanged, actions: sessions.map(({ action }) => action).sort() };
}
const said = (home: Home | string, id: string): string[] => saidIn(files(home).get(id)!);

describe("ccr sync with a folder", () => {
  test("gives each home the sessions of the other, in its own paths, and then has nothing to do", async () => {
    const one = grown(a, "shop", ["buy"]);
    const two = grown(b, "api", ["retry"]);
    expect((await sync(a)).actions).toEqual(["sent"]);
    expect((await sync(b)).actions).toEqual(["received", "sent"]);
    expect((await sync(a)).actions).toEqual(["received"]);
    for (const home of [a, b]) expect([...files(home).keys()].sort()).toEqual([one.id, two.id].sort());
    const copy = files(b).get(one.id)!;
    const cwd = join(b.path, "projects/shop");
    expect(copy).toContain(`/${slug(cwd)}/`);
    expect(readFileSync(copy, "utf8")).toContain(`"cwd":"${cwd}"`);
    // What was said is as it was.
    expect(saidIn(copy)).toEqual(saidIn(one.path));
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    expect(Date.now() - statSync(copy).mtimeMs).toBeLessThan(600_000);
    for (const home of [a, b]) expect(await sync(home)).toMatchObject({ sessions: [], unchanged: 2 });
  });

  test("copies rows that one side added, there and back", async () => {
    const { id, say } = grown(a, "shop", ["buy"]);
    await sync(a);
    await sync(b);
    say("more");
    expect((await sync(a)).actions).toEqual(["updated-there"]);
    expect((await sync(b)).actions).toEqual(["updated-here"]);
    const before = readFileSync(files(b).get(id)!);
    present(b, id).say("from b");
    await sync(b);
    expect((await sync(a)).actions).toEqual(["updated-here"]);
    expect(said(a, id)).toEqual(said(b, id));
    expect(said(a, id).filter((words) => !words.startsWith("Answer"))).toEqual(["buy", "more", "from b"]);
    expect(readFileSync(files(b).get(id)!).subarray(0, before.length).equals(before)).toBe(true);
  });

  test("ignores a bookkeeping row that only one side has", async () => {
    const { id, path } = grown(a, "shop", ["buy"]);
    await sync(a);
    await sync(b);
    appendFileSync(path, `${JSON.stringify({ type: "mode", mode: "default", sessionId: id })}\n`);
    present(b, id).say("from b");
    await sync(b);
    expect((await sync(a)).actions).toEqual(["updated-here"]);
    expect(said(a, id)).toEqual(said(b, id));
  });

  test("keeps each side's session in a conflict and adds the other's as a fork, once; a third home gets both", async () => {
    const { id, say } = grown(a, "shop", ["buy"]);
    await sync(a);
    await sync(b);
    say("in a");
    present(b, id).say("in b");
    await sync(a);
    const { sessions } = await sync(b);
    expect(sessions).toMatchObject([{ id, action: "conflict" }]);
    const [theirs] = sessions[0]!.forks as [string, string];
    expect(said(a, id)).toContain("in a");
    expect(said(a, id)).not.toContain("in b");
    expect(said(b, id)).toContain("in b");
    expect(said(b, id)).not.toContain("in a");
    expect(said(b, theirs)).toContain("in a");
    const { out } = await ccr(b, ["list", "--json"]);
    const fork = JSON.parse(out).sessions.find((one: { id: string }) => one.id === theirs);
    expect(fork).toMatchObject({ project: join(b.path, "projects/shop"), damaged: false });
    expect(fork.title).toMatch(/^buy \(from .+\)$/);

    expect((await sync(b)).sessions).toEqual([]);
    const all = (home: Home) => [...files(home).keys()].map((one) => said(home, one).join("|"));
    // The first home gets what it does not have, and only that.
    await sync(a);
    expect(all(a).sort()).toEqual([said(a, id).join("|"), said(b, id).join("|")].sort());
    const c = makeHome("ccr-c-");
    try {
      await sync(c);
      for (const words of ["in a", "in b"]) expect(all(c).some((one) => one.includes(words))).toBe(true);
    } finally {
      await c.remove();
    }

    // The fork is a session like others: what is said in it comes over.
    present(b, theirs).say("in the fork");
    await sync(b);
    await sync(a);
    expect(said(a, theirs)).toContain("in the fork");
  });

  test("extends the forks of a conflict that goes on instead of making new ones", async () => {
    const { id, say } = grown(a, "shop", ["buy"]);
    await sync(a);
    await sync(b);
    say("in a");
    present(b, id).say("in b");
    await sync(a);
    const first = await sync(b);
    const count = files(b).size;
    say("again in a");
    await sync(a);
    const second = await sync(b);
    expect(second.sessions[0]!.forks).toEqual(first.sessions[0]!.forks);
    expect(files(b).size).toBe(count);
    expect(said(b, first.sessions[0]!.forks[0]!)).toContain("again in a");
  });

  test("prints the plan with --dry-run, and writes nothing", async () => {
    grown(a, "shop", ["buy"]);
    expect((await sync(a, folder, ["--dry-run"])).actions).toEqual(["sent"]);
    expect(files(folder).size).toBe(0);
    expect((await sync(a)).actions).toEqual(["sent"]);
  });

  test("does not write to a running session, and syncs it later", async () => {
    const { id, say } = grown(a, "shop", ["buy"]);
    await sync(a);
    await sync(b);
    say("more");
    await sync(a);
    const registry = join(b.path, ".claude/sessions");
    mkdirSync(registry, { recursive: true });
    const entry = join(registry, `${process.pid}.json`);
    writeFileSync(entry, JSON.stringify({ pid: process.pid, sessionId: id, status: "busy" }));
    const before = readFileSync(files(b).get(id)!);
    expect((await sync(b)).actions).toEqual(["left"]);
    expect(readFileSync(files(b).get(id)!).equals(before)).toBe(true);
    writeFileSync(entry, "{}");
    expect((await sync(b)).actions).toEqual(["updated-here"]);
  });

  test("keeps torn lines, NULs and an unfinished last line", async () => {
    const { id, path, say } = grown(a, "shop", ["buy"]);
    appendFileSync(path, `{"type":"user","uuid":"torn\n\0\0\0\n`);
    say("more");
    await sync(a);
    await sync(b);
    appendFileSync(files(b).get(id)!, '{"type":"user","uu');
    say("even more");
    await sync(a);
    expect((await sync(b)).actions).toEqual(["updated-here"]);
    expect(readFileSync(files(b).get(id)!, "utf8")).toContain('\n{"type":"user","uu\n{"');
    expect((await sync(b)).sessions).toEqual([]);
  });

  test("ignores links, pipes and folders with a session's name, and rewrites damaged notes", async () => {
    grown(a, "shop", ["buy"]);
    await sync(a);
    const odd = (n: number) =>
      join(folder, `projects/-odd/${String(n).repeat(8)}-0000-4000-8000-000000000000.jsonl`);
    mkdirSync(odd(1), { recursive: true });
    writeFileSync(join(a.around, "private"), '{"type":"user","uuid":"x","cwd":"/x"}\n');
    symlinkSync(join(a.around, "private"), odd(2));
    symlinkSync("/dev/zero", odd(3));
    execFileSync("mkfifo", [odd(4)]);
    writeFileSync(odd(5), "");
    symlinkSync(join(folder, "projects"), join(folder, "projects/-circle"));
    const notes = join(a.path, ".local/state/ccr/sync");
    for (const name of readdirSync(notes)) writeFileSync(join(notes, name), "null");
    expect((await sync(a)).sessions).toEqual([]);
    expect(files(a).size).toBe(1);
  });

  test("maps a directory to another one with --map", async () => {
    const { id } = grown(a, "shop", ["buy"]);
    await sync(a);
    await sync(b, folder, ["--map", `${join(a.path, "projects/shop")}=/somewhere/else`]);
    expect(files(b).get(id)).toContain("/-somewhere-else/");
    expect((await ccr(b, ["sync", folder, "--map", "nonsense"])).status).toBe(2);
  });

  test("refuses a missing folder, Claude's own folder, and a second sync at the same time", async () => {
    for (const target of [join(folder, "nothing"), join(a.path, ".claude"), "-x", "a b"]) {
      mkdirSync(join(a.path, ".claude"), { recursive: true });
      const { status, err } = await ccr(a, ["sync", target]);
      expect([status, err], target).toEqual([2, expect.stringMatching(/^ccr: .*\n {5}/)]);
    }
    await sync(a);
    const lock = join(a.path, ".local/state/ccr/sync/.ccr-sync.lock");
    const start = readFileSync(`/proc/${process.pid}/stat`, "utf8").split(") ").at(-1)!.split(" ")[19];
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const { readlinkSync } = await import("node:fs");
    const where = `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
    writeFileSync(lock, JSON.stringify([process.pid, start, where]));
    expect(await ccr(a, ["sync", folder])).toMatchObject({
      status: 1,
      err: expect.stringContaining("another sync"),
    });
    // Its owner has died.
    writeFileSync(lock, JSON.stringify([process.pid, "1", where]));
    expect((await sync(a)).sessions).toEqual([]);
    expect(readdirSync(join(a.path, ".local/state/ccr/sync"))).not.toContain(".ccr-sync.lock");
  });
});

describe("ccr sync over ssh", () => {
  /** Starts the far home's ccr, as sshd would: with a shell, and a greeting before it. */
  function connect(script = 'exec sh -c "$last"'): void {
    const ssh = `#!/bin/sh
for last; do :; done
export HOME='${b.path}' PATH='${b.around}/bin:/usr/bin:/bin'
echo 'Welcome to the machine'
${script}
`;
    writeFileSync(join(a.around, "bin/ssh"), ssh, { mode: 0o755 });
    writeFileSync(join(b.around, "bin/ccr"), `#!/bin/sh\nexec node '${bundle}' "$@"\n`, { mode: 0o755 });
  }

  test("gives both homes all sessions in one run, conflicts as forks", async () => {
    connect();
    const one = grown(a, "shop", ["buy"]);
    const two = grown(b, "api", ["retry"]);
    const big = grown(b, "api", [`large ${"x".repeat(3_000_000)}`]);
    expect((await sync(a, "me@far")).actions).toEqual(["received", "received", "sent"]);
    expect(said(a, big.id)).toEqual(said(b, big.id));
    expect(files(a).get(two.id)).toContain(slug(join(a.path, "projects/api")));
    present(a, two.id).say("in a");
    one.say("in a");
    present(b, one.id).say("in b");
    const { sessions, actions } = await sync(a, "me@far");
    expect(actions).toEqual(["conflict", "updated-there"]);
    const [theirs, ours] = sessions.find(({ action }) => action === "conflict")!.forks as [string, string];
    expect([said(a, theirs).includes("in b"), said(b, ours).includes("in a")]).toEqual([true, true]);
    expect((await sync(a, "me@far")).sessions).toEqual([]);
  });

  test("leaves sessions alone that run on the other side", async () => {
    connect();
    const { id, say } = grown(a, "shop", ["buy"]);
    await sync(a, "me@far");
    say("more");
    mkdirSync(join(b.path, ".claude/sessions"), { recursive: true });
    const live = { pid: process.pid, sessionId: id, status: "busy" };
    writeFileSync(join(b.path, `.claude/sessions/${process.pid}.json`), JSON.stringify(live));
    expect((await sync(a, "me@far")).actions).toEqual(["left"]);
  });

  test("reports a connection that ends at any byte in one line, and the next run continues", async () => {
    for (let n = 0; n < 6; n++) grown(b, "api", [`prompt ${n}`, "x".repeat(20_000)]);
    for (const bytes of [0, 10, 100, 300, 5000, 30_000, 60_000]) {
      connect(`sh -c "$last" | { dd bs=1 count=${bytes} 2>/dev/null; kill $$; }`);
      const { status, err, out } = await ccr(a, ["sync", "me@far"]);
      expect([status, out + err]).toEqual([1, expect.stringMatching(/me@far ended the connection\n/)]);
      for (const path of files(a).values()) expect(saidIn(path)).toHaveLength(4);
    }
    connect();
    await sync(a, "me@far");
    expect([...files(a).keys()].sort()).toEqual([...files(b).keys()].sort());
    expect(
      readdirSync(join(a.path, ".local/state/ccr/sync")).filter((name) => name.endsWith(".tmp")),
    ).toEqual([]);
  });

  test("refuses a place outside of the store that the other side names", async () => {
    const frame = (message: object, payload = "") => {
      const text = JSON.stringify({ bytes: payload.length, ...message });
      return String(text.length).padStart(10, "0") + text + payload;
    };
    const id = randomUUID();
    for (const item of [
      { id, folder: "../../evil", bytes: 3, mtime: 1 },
      { id, folder: "..", bytes: 3, mtime: 1 },
      { id: "../../x", folder: "-a", bytes: 3, mtime: 1 },
      { id: 7, folder: null, bytes: "x" },
    ]) {
      const answer = `\nccr-sync 1\n${frame({ home: b.path })}${frame({ items: [item] })}${frame({}, "{}\n")}`;
      writeFileSync(join(a.around, "answer"), answer);
      connect(`cat '${join(a.around, "answer")}'`);
      const { status, err } = await ccr(a, ["sync", "me@far"]);
      expect([0, 1]).toContain(status);
      expect(err).not.toMatch(/unexpected|\n\s+at /);
      expect(files(a).size).toBe(0);
      expect(readdirSync(a.path).filter((name) => !name.startsWith("."))).toEqual([]);
    }
  });
});
