import { execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { withoutStale } from "../../helpers/claude/registry.ts";
import {
  abandon,
  attemptState,
  attemptsOf,
  claim,
  claimsFolder,
  isOwned,
  startCommand,
} from "../../helpers/resume/claims.ts";
import { waitFor } from "../support/wait-for.ts";

const ID = "aaaaaaaa-1111-4111-8111-111111111111";
const WANTED = { row: "row-1", window: "five_hour", resetsAt: 1, by: "person" } as const;
let folder: string;
const before = process.env.XDG_STATE_HOME;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ccr-claims-"));
  process.env.XDG_STATE_HOME = folder;
});
afterEach(() => {
  if (before === undefined) delete process.env.XDG_STATE_HOME;
  else process.env.XDG_STATE_HOME = before;
  rmSync(folder, { recursive: true });
});

const file = (name: string) => join(claimsFolder(), ID, name);
const last = () => attemptsOf(ID).at(-1)!;
/** As if a process that has ended had made the claim. */
const orphan = () =>
  writeFileSync(file(String(last().n)), JSON.stringify({ ...last(), pid: 2 ** 22 - 1, start: "1" }));

describe("a claim of a session", () => {
  it("is one process's: while it lives nobody else gets the session", () => {
    expect(claim(ID, WANTED, 0)).not.toBeNull();
    expect(isOwned(last())).toBe(true);
    expect(attemptState(ID, last())).toEqual({ is: "claimed", alive: true });
    expect(claim(ID, WANTED, 0)).toBeNull();
    expect(claim(ID, WANTED, 1)).toBeNull();
  });

  it("of a dead process is followed by the next, and its program cannot start any more", () => {
    const first = claim(ID, WANTED, 0)!;
    orphan();
    expect(attemptState(ID, last())).toEqual({ is: "claimed", alive: false });
    expect(claim(ID, WANTED, 1)?.try.n).toBe(2);
    const [sh, ...words] = startCommand(first);
    expect(() => execFileSync(sh!, [...words, "touch", join(folder, "started")])).toThrow(
      /status 75|Command failed/,
    );
    expect(existsSync(join(folder, "started"))).toBe(false);
  });

  it("of a dead process whose program has started is not followed while that runs", async () => {
    const first = claim(ID, WANTED, 0)!;
    const [sh, ...words] = startCommand(first);
    const child = spawn(sh!, [...words, "sleep", "100"]);
    // The shell makes the file, and then writes its line.
    const written = () => existsSync(file("1.end")) && readFileSync(file("1.end"), "utf8").endsWith("\n");
    await waitFor(written, "the shell writes its line", { interval: 5 });
    orphan();
    expect(attemptState(ID, last())).toEqual({ is: "started", pid: child.pid, alive: true });
    expect(claim(ID, WANTED, 1)).toBeNull();
    expect(abandon(ID, 1)).toBe(false);
    const gone = new Promise((resolve) => child.on("exit", resolve));
    child.kill("SIGKILL");
    await gone;
    expect(attemptState(ID, last())).toEqual({ is: "started", pid: child.pid, alive: false });
    expect(claim(ID, WANTED, 1)?.try.n).toBe(2);
  });

  it("starts its program with the words as they are, in place of the shell", () => {
    const first = claim(ID, WANTED, 0)!;
    const [sh, ...words] = startCommand(first);
    const said = execFileSync(sh!, [...words, "printf", "%s|", "a b", "$(id)", "#(id)", "'", ""], {
      encoding: "utf8",
    });
    expect(said).toBe("a b|$(id)|#(id)|'||");
  });

  it("from an old plan is refused, because somebody was quicker", () => {
    claim(ID, WANTED, 0);
    abandon(ID, 1);
    expect(claim(ID, WANTED, 0)).toBeNull();
    expect(claim(ID, WANTED, 1)?.try.n).toBe(2);
  });

  it("that cannot be read has no owner, but keeps its number", () => {
    claim(ID, WANTED, 0);
    writeFileSync(file("1"), "{ torn");
    mkdirSync(file("2"));
    expect(attemptsOf(ID)).toHaveLength(2);
    expect(claim(ID, WANTED, 0)).toBeNull();
  });

  it("of another machine or pid namespace counts as abandoned after two minutes", () => {
    claim(ID, WANTED, 0);
    const foreign = (at: number) =>
      writeFileSync(file("1"), JSON.stringify({ ...last(), domain: "other", at }));
    foreign(Date.now() - 30_000);
    expect(claim(ID, WANTED, 1)).toBeNull();
    foreign(Date.now() - 130_000);
    expect(claim(ID, WANTED, 1)?.try.n).toBe(2);
  });

  it("leaves no temporary files, and only the last fifty tries", () => {
    for (let n = 0; n < 60; n++) {
      expect(claim(ID, WANTED, n)).not.toBeNull();
      abandon(ID, n + 1);
    }
    expect(attemptsOf(ID).map(({ n }) => n)).toEqual(Array.from({ length: 50 }, (_, i) => i + 11));
    expect(readdirSync(join(claimsFolder(), ID)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});

describe("running sessions that a killed workspace left behind", () => {
  const live = (more: object) =>
    new Map([
      [
        "s",
        {
          pid: 1,
          session: "s",
          cwd: null,
          kind: "interactive",
          entrypoint: null,
          status: null,
          waitingFor: null,
          name: null,
          startedAt: 1000,
          here: false,
          ...more,
        },
      ],
    ]);
  it("are ignored: entries of another pid namespace from before our process 1", () => {
    expect(withoutStale(live({})).size).toBe(0);
  });
  it("are kept when they are ours, younger, or in a dev container that shares the home", () => {
    expect(withoutStale(live({ here: true })).size).toBe(1);
    expect(withoutStale(live({ startedAt: Date.now() + 1000 })).size).toBe(1);
    expect(withoutStale(live({ startedAt: null })).size).toBe(1);
    process.env.CCR_DEVCONTAINER = "1";
    expect(withoutStale(live({})).size).toBe(1);
    delete process.env.CCR_DEVCONTAINER;
  });
});
