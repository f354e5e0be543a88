// The files of recordings: how they are started, read, kept and found.

import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { isAlive, prune, read, recordingsOf, secondsOf } from "../../helpers/recording/cast.ts";
import { recorderCommand, shellWord } from "../../helpers/recording/recorder-command.ts";
import { startOf } from "../../helpers/system/process.ts";
import { type Home, makeHome, root } from "../support/home.ts";
import { ccr, start } from "../support/program.ts";
import { playedCells, recorders, withHome } from "../support/recorded.ts";
import { slug } from "../support/sample-sessions.ts";

// Machines can be slow.
vi.setConfig({ testTimeout: 120_000 });

const ID = "4bb63347-9c0d-4e1f-a2b3-c4d5e6f70819";
const OTHER = "98e44a9f-1d2c-4b3a-9f8e-7d6c5b4a3928";
const HEAD = { version: 2, width: 40, height: 10, timestamp: 1_700_000_000 };

let home: Home;
beforeEach(() => {
  home = makeHome();
});
afterEach(() => home.remove());

/** A part of a recording: lines are JSON where they are no text. */
function recorded(id: string, name: string, ...lines: unknown[]): string {
  const folder = join(home.path, ".local/state/ccr/recordings", id);
  mkdirSync(folder, { recursive: true });
  const text = lines.map((line) => (typeof line === "string" ? line : `${JSON.stringify(line)}\n`)).join("");
  writeFileSync(join(folder, `${name}.cast`), text);
  return join(folder, `${name}.cast`);
}

describe("the command that starts a recorder", () => {
  test("has only arguments that a shell and tmux take literally", async () => {
    const names = [
      "#(touch a)",
      "$(touch b)",
      "`touch c`",
      "a'b\"c",
      "a;b",
      "%H %%",
      "#{pid}",
      "日本",
      "a\nb",
      "-x",
    ];
    for (const name of names) {
      const inside = {
        ...home,
        path: join(home.path, name),
        env: { ...home.env, HOME: join(home.path, name) },
      };
      const words = await withHome(inside, () => recorderCommand(ID, "=x:claude"));
      expect(words.slice(0, 3)).toEqual(["pipe-pane", "-t", "=x:claude"]);
      const command = words[3]!;
      expect(command.replace(/ '#\{pane_id\}' #\{s\|[^|]*\|@\|:socket_path\} /, "")).toMatch(
        /^(?:NODE_OPTIONS= NODE_EXTRA_CA_CERTS= )?exec [\w/.-]+(?: (?:[\w/.-]+|"\$\(printf '(?:[\w/.-]|\\\d{3})+'\)")){2}\d+ 4 3<>#\{pane_tty\}$/,
      );
      // … and means the path that was meant
      const [, program] = command.split(/(?<=exec [\w/.-]+) /);
      const path = execFileSync("sh", ["-c", `printf %s ${/^(?:[\w/.-]+|"[^"]*")/.exec(program!)![0]}`], {
        encoding: "utf8",
      });
      expect(path.replace(/\.(?:pl|cjs)$/, "")).toBe(join(inside.path, ".local/state/ccr/recorder"));
    }
    expect(shellWord("/a b")).toBe(`"$(printf '/a\\040b')"`);
  });

  test("is empty when recording is off, for an invalid id, and where nothing can be written", async () => {
    const words = (id = ID): Promise<string[]> => withHome(home, () => recorderCommand(id, "=x:"));
    expect(await words("../../x")).toEqual([]);
    mkdirSync(join(home.path, ".config/ccr"), { recursive: true });
    writeFileSync(join(home.path, ".config/ccr/config.json"), '{"recording": {"on": false}}');
    expect(await words()).toEqual([]);
    expect(existsSync(join(home.path, ".local"))).toBe(false);
    writeFileSync(join(home.path, ".config/ccr/config.json"), "{}");
    writeFileSync(join(home.path, ".local"), "a file, where a directory should be");
    expect(await words()).toEqual([]);
  });
});

describe("a recorder", () => {
  /** What it makes of bytes, each piece by itself. */
  async function of(by: "perl" | "node", pieces: Uint8Array[]): Promise<string> {
    await withHome(home, () => recorderCommand(ID, "=x:"), by === "perl" ? {} : { PATH: "/nowhere" });
    const program = join(home.path, `.local/state/ccr/recorder.${by === "perl" ? "pl" : "cjs"}`);
    const stem = join(home.path, `made-${by}`);
    const child = execa(
      by === "perl" ? "perl" : process.execPath,
      [program, stem, "%0", "/none", "1000000", "4"],
      {
        env: { HOME: home.path, PATH: process.env.PATH! },
        extendEnv: false,
      },
    );
    const file = `${stem}.0.cast`;
    for (const [i, piece] of pieces.entries()) {
      child.stdin!.write(piece);
      // one event a piece, except that a part of a character alone makes none
      await expect
        .poll(() => existsSync(file) && readFileSync(file).includes(`mark-${i}`), { timeout: 40_000 })
        .toBe(true);
    }
    child.stdin!.end();
    await child;
    expect(statSync(file).mode & 0o777).toBe(0o600);
    return readFileSync(file, "utf8");
  }

  test.each(recorders)("keeps characters whole and every line JSON, whatever it reads (%s)", async (by) => {
    const euro = Buffer.from("€");
    const text = await of(by, [
      Buffer.concat([Buffer.from('mark-0 "\\\x00\x1b\x7f wörld 日本 '), euro.subarray(0, 1)]),
      Buffer.concat([euro.subarray(1), Buffer.from(" mark-1 "), Buffer.from([0xff, 0xfe, 0x80, 0xc0, 0xaf])]),
      Buffer.from(" mark-2 \u{1f600}"),
    ]);
    const [head, ...events] = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(head).toMatchObject({
      version: 2,
      width: 80,
      height: 24,
      ccr: { pane: "%0", pid: expect.any(Number) },
    });
    expect(events.map(([, kind]) => kind)).toEqual(["o", "o", "o"]);
    const data = events.map(([, , one]) => one).join("");
    expect(data).toMatch(/^mark-0 "\\\0\x1b\x7f wörld 日本 € mark-1 \ufffd+ mark-2 \u{1f600}$/u);
    expect(text).not.toMatch(/[\0-\x09\x0b-\x1f\x7f]/);
  });
});

describe("a recorder on a full disk", () => {
  test.each(recorders)(
    "writes whole lines only, survives, and continues when there is room (%s)",
    async (by) => {
      await withHome(home, () => recorderCommand(ID, "=x:"), by === "perl" ? {} : { PATH: "/nowhere" });
      const program = join(home.path, `.local/state/ccr/recorder.${by === "perl" ? "pl" : "cjs"}`);
      const stem = join(home.path, "made");
      // A file that may not grow over 8 KiB, whatever the recorder wants.
      const child = execa(
        "bash",
        [
          "-c",
          'ulimit -f 8; exec "$@"',
          "bash",
          by === "perl" ? "perl" : process.execPath,
          program,
          stem,
          "%0",
          "/none",
          "1000000",
          "4",
        ],
        { env: { HOME: home.path, PATH: process.env.PATH! }, extendEnv: false },
      );
      const files = (): string[] => readdirSync(home.path).filter((name) => name.startsWith("made."));
      const whole = (): string =>
        files()
          .map((name) => readFileSync(join(home.path, name), "utf8"))
          .join("");
      for (let i = 0; i < 24; i++) {
        child.stdin!.write(`${"x".repeat(1000)} mark-${i}`);
        // A piece may be lost, and then a new file begins; the next one is kept.
        const { length } = files();
        await expect
          .poll(() => whole().includes(`mark-${i}"`) || files().length !== length || i % 8 !== 0, {
            timeout: 40_000,
          })
          .toBe(true);
        // The recorder reads each text by itself.
        await sleep(120);
      }
      child.stdin!.end();
      await child;
      expect(files().length).toBeGreaterThan(1);
      expect(files().length).toBeLessThanOrEqual(4);
      for (const name of files()) {
        const text = readFileSync(join(home.path, name), "utf8");
        expect(text.length).toBeLessThanOrEqual(8192);
        expect(text.endsWith("\n")).toBe(true);
        for (const line of text.trimEnd().split("\n")) JSON.parse(line);
      }
      // What does not fit into a file any more is lost, once for each.
      const kept = [...whole().matchAll(/mark-(\d+)/g)].map(([, n]) => Number(n));
      expect(kept.length).toBeGreaterThanOrEqual(18);
      expect(Math.max(...kept)).toBeGreaterThanOrEqual(21);
    },
  );
});

describe("recordings", () => {
  test("are read up to a torn line, in their parts, in version 3 too", async () => {
    const first = recorded(
      ID,
      "2026-11-20T18-00-00-000Z.3",
      HEAD,
      [0.5, "o", "a"],
      [1.5, "r", "50x20"],
      "nonsense\n",
      [2, "o", "b"],
      '[3, "o", "tor',
    );
    const second = recorded(ID, "2026-11-20T18-00-00-000Z.12", HEAD, [4, "o", "c"]);
    recorded(
      ID,
      "2026-11-21T18-00-00-000Z.0",
      { version: 3, term: { cols: 9, rows: 8 } },
      [1, "o", "x"],
      [1, "o", "y"],
    );
    recorded(ID, "another-file", "text");
    await withHome(home, () => {
      const [newer, older] = recordingsOf(ID);
      expect(older).toMatchObject({
        session: ID,
        parts: [first, second],
        startedAt: Date.parse("2026-11-20T18:00:00Z"),
      });
      expect([...read(first)]).toEqual([
        { columns: 40, rows: 10, at: HEAD.timestamp * 1000, pid: null, start: null },
        { seconds: 0.5, kind: "o", data: "a" },
        { seconds: 1.5, kind: "r", data: "50x20" },
        { seconds: 2, kind: "o", data: "b" },
      ]);
      expect(secondsOf(older!)).toBe(6);
      expect([...read(newer!.parts[0]!)].at(-1)).toEqual({ seconds: 2, kind: "o", data: "y" });
      expect([...read(recorded(OTHER, "empty", ""))]).toEqual([]);
      expect(recordingsOf("11111111-9c0d-4e1f-a2b3-c4d5e6f70819")).toEqual([]);
    });
  });

  test("are deleted when they are old, unless their recorder runs", async () => {
    const ccr = { pid: process.pid, start: startOf(process.pid) };
    const alive = recorded(ID, "2026-01-01T00-00-00-000Z.0", { ...HEAD, ccr });
    const old = recorded(ID, "2026-01-02T00-00-00-000Z.0", { ...HEAD, ccr: { ...ccr, start: "1" } });
    const young = recorded(ID, "2026-01-03T00-00-00-000Z.0", HEAD);
    const lonely = recorded(OTHER, "2026-01-02T00-00-00-000Z.0", HEAD);
    for (const file of [alive, old, lonely]) utimesSync(file, 1e9, 1e9);
    await withHome(home, () => {
      expect(recordingsOf(ID).map(isAlive)).toEqual([false, false, true]);
      prune(30, Date.now());
    });
    expect([alive, old, young, lonely].map((file) => existsSync(file))).toEqual([true, false, true, false]);
    expect(readdirSync(join(home.path, ".local/state/ccr/recordings"))).toEqual([ID]);
  });
});

describe("the commands on recordings", () => {
  const find = async (...words: string[]) => ccr(home, ["find", ...words, "--recordings"]);

  test("ccr find finds words that a full-screen program wrote piece by piece", async () => {
    recorded(
      ID,
      "2026-11-20T18-00-00-000Z.0",
      HEAD,
      [0.1, "o", "\x1b[?1049h\x1b[2;3HThe gate\x1b[2;16Hretries"],
      [0.2, "o", "\x1b[2;11Hway"],
      [5, "o", "\x1b[2J"],
    );
    recorded(
      OTHER,
      "2026-11-20T18-00-00-000Z.0",
      HEAD,
      [0.1, "o", "gone before anybody could read: gateway"],
      [0.15, "o", "\x1b[1;33H\x1b[K"],
      [9, "o", "end"],
    );
    const { out, status } = await find("the gateway", "RETRIES", "--json");
    expect(status).toBe(0);
    const { sessions, searched } = JSON.parse(out);
    expect(searched.files).toBe(2);
    expect(sessions).toMatchObject([
      {
        id: ID,
        transcript: null,
        hits: 1,
        matches: [{ at: "2023-11-14T22:13:20.200Z", role: "screen", snippet: "The gateway retries" }],
      },
    ]);
    expect((await find("gateway")).out).toContain("screen");
    expect(await find("nowhere")).toMatchObject({
      status: 1,
      out: "",
      err: expect.stringContaining("no recording contains"),
    });
    expect((await find("gateway", "--project", "shop")).status).toBe(1);
  });

  test("ccr logs -f prints each line once it is whole", async () => {
    const project = home.project("shop");
    const folder = join(home.path, ".claude/projects", slug(project));
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${ID}.jsonl`);
    let time = Date.now() - 60_000;
    const row = (type: string, content: unknown, more = {}): string =>
      `${JSON.stringify({ type, uuid: `u${time}`, timestamp: new Date(time++).toISOString(), cwd: project, sessionId: ID, message: { role: type, content }, ...more })}\n`;
    const { child, output, ended } = start(home, ["logs", ID, "-f"]);
    try {
      // The session need not have a transcript yet.
      writeFileSync(file, row("user", "first \x1b]0;title\x07 words\nand more"));
      const lines = (): string[] =>
        output()
          .split("\n")
          .filter(Boolean)
          .map((line) => line.slice(14));
      await expect.poll(lines, { timeout: 40_000 }).toEqual(["you     first ]0;title words and more"]);
      const next = row("assistant", [
        { type: "text", text: "An answer." },
        { type: "tool_use", id: "1", name: "Bash", input: { command: "npm test" } },
      ]);
      appendFileSync(file, next.slice(0, 90));
      // Shows that half a row is not printed: longer than the pause between two reads.
      await sleep(1200);
      expect(lines()).toHaveLength(1);
      appendFileSync(file, next.slice(90));
      appendFileSync(
        file,
        row("user", [{ type: "tool_result", tool_use_id: "1", is_error: true, content: "it failed" }]),
      );
      await expect
        .poll(lines, { timeout: 40_000 })
        .toEqual([
          "you     first ]0;title words and more",
          "claude  An answer.",
          "tool    Bash npm test",
          "failed  it failed",
        ]);
    } finally {
      child.kill();
      await ended;
    }
    const { out: last } = await ccr(home, ["logs", "4bb6", "-n", "1"]);
    expect(last).toMatch(/failed {2}it failed\n$/);
  });

  test("ccr replay lists recordings, and says what to do where there are none", async () => {
    const file = recorded(ID, "2026-11-20T18-00-00-000Z.0", HEAD, [90, "o", "x"]);
    const { out } = await ccr(home, ["replay", "4bb6", "--list"]);
    expect(out).toMatch(/^1 +Nov 20 18:00 +1 m +\d+ B +\/.*\.cast\n$/);
    expect(out).toContain(file);
    expect(await ccr(home, ["replay", "4bb6", "2"])).toMatchObject({
      status: 1,
      err: expect.stringContaining("no recording 2"),
    });
    expect(await ccr(home, ["replay", "4bb6", "--speed", "-1"])).toMatchObject({ status: 2 });
    expect(await ccr(home, ["replay", "4bb6", "--idle", "soon"])).toMatchObject({ status: 2 });
  });
});

test("the recording in the documentation plays, with sizes and times that fit", async () => {
  const file = join(root, "docs/pictures/session.cast");
  const [head, ...events] = [...read(file)];
  expect(head).toMatchObject({ columns: 100, rows: 27 });
  const times = events.map((event) => ("seconds" in event ? event.seconds : Number.NaN));
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect((await playedCells(file)).join("\n")).toContain("tell the person only then");
});
