// The commands as people call them, over homes of made sessions and a stand-in for claude.

import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type LimitedHome, limitedHome } from "../support/limited-home.ts";
import { bundle, ccrSync, type Started, start } from "../support/program.ts";
import { waitFor } from "../support/wait-for.ts";

let home: LimitedHome;
beforeEach(() => {
  home = limitedHome();
});
afterEach(() => home.remove());

const HOUR = 3_600_000;

function ccr(words: string[], more: { env?: Record<string, string>; input?: string } = {}) {
  const ran = ccrSync(home, words, more);
  return { ...ran, json: () => JSON.parse(ran.out) };
}
const short = (id: string) => id.slice(0, 8);

describe("ccr check-limits", () => {
  it("ends with 0 and says so when nothing is limited", () => {
    const { out, err, status } = ccr(["check-limits"]);
    expect([out, err, status]).toEqual(["", "no limited sessions\n", 0]);
  });

  it("names waiting, ready and blocked sessions, newest first, and ends with 3", () => {
    const ready = home.limited({ at: Date.now() - 3 * HOUR });
    const waiting = home.limited({ resetsAt: Date.now() + 2 * HOUR + 30_000, window: "seven_day" });
    const blocked = home.limited({ error: { error: "billing_error" } });
    const { out, status } = ccr(["check-limits"]);
    expect(status).toBe(3);
    expect(out).toMatch(/^weekly .* 100 % .*in 2 h .*estimate$/m);
    expect(out).toMatch(new RegExp(`^limited +${short(waiting)} +app +weekly, until .*in 2 h`, "m"));
    expect(out).toMatch(new RegExp(`^ready +${short(ready)} +app +since`, "m"));
    expect(out).toMatch(new RegExp(`^needs you +${short(blocked)} +app +credits +buy credits`, "m"));
    const { sessions, blocked: others } = ccr(["check-limits", "--json"]).json();
    expect(sessions.map((one: { id: string; state: string }) => [one.id, one.state])).toEqual([
      [waiting, "waiting"],
      [ready, "ready"],
    ]);
    expect(others.map((one: { id: string; blockedBy: string }) => [one.id, one.blockedBy])).toEqual([
      [blocked, "credits"],
    ]);
  });

  it("gives the same answer from its cache, and notices changes", () => {
    for (let i = 0; i < 210; i++) home.limited({ at: Date.now() - 3 * HOUR });
    const ids = () =>
      ccr(["check-limits", "--all", "--json"])
        .json()
        .sessions.map(({ id }: { id: string }) => id)
        .sort();
    // Files that were written in this very moment are not remembered.
    spawnSync("find", [
      join(home.path, ".claude/projects"),
      "-name",
      "*.jsonl",
      "-exec",
      "touch",
      "-d",
      "1 hour ago",
      "{}",
      "+",
    ]);
    const first = ids();
    expect(first).toHaveLength(210);
    expect(statSync(join(home.path, ".cache/ccr/stopped.tsv")).mode & 0o777).toBe(0o600);
    expect(ids()).toEqual(first);
    const [one] = first;
    const path = ccr(["check-limits", "--all", "--json"])
      .json()
      .sessions.find(({ id }: { id: string }) => id === one).transcript;
    appendFileSync(
      path,
      `${JSON.stringify({ type: "assistant", timestamp: new Date().toISOString(), message: { model: "m", content: [{ type: "text", text: "on" }] } })}\n`,
    );
    expect(ids()).toEqual(first.slice(1));
    writeFileSync(join(home.path, ".cache/ccr/stopped.tsv"), "\u0000 garbage\n\n\tx");
    expect(ids()).toEqual(first.slice(1));
  });

  it("reads the last seven days, and all sessions with --all", () => {
    const id = home.limited({ at: Date.now() - 30 * 24 * HOUR, resetsAt: Date.now() - 29 * 24 * HOUR });
    spawnSync("find", [
      join(home.path, ".claude/projects"),
      "-name",
      "*.jsonl",
      "-exec",
      "touch",
      "-d",
      "30 days ago",
      "{}",
      "+",
    ]);
    expect(ccr(["check-limits", "--json"])).toMatchObject({ status: 0 });
    const all = ccr(["check-limits", "--all", "--json"]);
    expect(all.status).toBe(3);
    expect(all.json().sessions).toMatchObject([{ id, state: "ready" }]);
  });

  it("warns once of a window that the status line has reported, and runs notify.command with the words", () => {
    const resets = Math.floor(Date.now() / 1000) + 3600;
    const input = JSON.stringify({
      session_id: "abcdef01-x",
      session_name: "Name\u001b[31m",
      rate_limits: { five_hour: { used_percentage: 86.4, resets_at: resets } },
    });
    const line = ccr(["statusline"], { input });
    expect(line.out).toMatch(/^abcdef01 · Name \[31m · 5-hour 86 % → \d\d:\d\d\n$/);
    ccr(["config", "set", "notify.command", 'echo "$CCR_MESSAGE" >>"$HOME/warned"']);
    const one = ccr(["check-limits", "--notify"]);
    expect(one.err).toContain("Claude's 5-hour limit is 86 % used, resets");
    expect(one.out).toMatch(/^5-hour .* 86 % .*status line, \d+ \w+ ago$/m);
    expect(ccr(["check-limits", "--notify"]).err).not.toContain("86 %");
    expect(readFileSync(join(home.path, "warned"), "utf8").split("\n")).toHaveLength(2);
  });

  it("reports a bad configuration, and refuses --watch without a terminal", () => {
    expect(ccr(["check-limits", "--watch"])).toMatchObject({
      status: 2,
      err: expect.stringContaining("needs a terminal"),
    });
  });
});

describe("ccra", () => {
  it("--dry-run prints for every session what it would do, or why not, and starts nothing", () => {
    const ready = home.limited({ mode: "plan" });
    const waiting = home.limited({ resetsAt: Date.now() + HOUR });
    const gone = home.limited({ project: "gone" });
    rmSync(join(home.path, "projects/gone"), { recursive: true });
    ccr(["pause", home.limited({ at: Date.now() - 3 * HOUR })]);
    const { out, status } = ccr(["resume-all", "--dry-run", "--headless"]);
    expect(status).toBe(0);
    expect(out).toMatch(new RegExp(`^${short(ready)} +app +resume \\(headless\\)`, "m"));
    expect(out).toMatch(new RegExp(`^${short(waiting)} +app +limited, due`, "m"));
    expect(out).toMatch(new RegExp(`^${short(gone)} +gone +its directory is missing`, "m"));
    expect(out).toMatch(/paused/);
    expect(home.started()).toEqual([]);
  });

  it("continues in the session's own permission mode, never in a bypass that was not typed", () => {
    home.limited({ mode: "plan" });
    home.limited({ mode: "bypassPermissions" });
    home.limited({ mode: "default" });
    home.limited({ mode: "; rm -rf ~" });
    ccr(["resume-all", "--headless", "--interval", "0"]);
    const modes = home.started().map((line) => /--permission-mode (\S+)/.exec(line)?.[1] ?? "none");
    expect(modes.sort()).toEqual(["acceptEdits", "none", "none", "plan"]);
    home.limited({ mode: "plan" });
    ccr(["resume-all", "--headless", "--permission-mode", "bypassPermissions"]);
    expect(home.started().at(-1)).toContain("--permission-mode bypassPermissions");
    expect(ccr(["config", "set", "resume.permissionMode", "bypassPermissions"]).status).toBe(2);
  });

  it("says so when nothing is limited, and never starts in a directory that is not absolute", () => {
    expect(ccr(["resume-all"])).toMatchObject({ status: 0, out: "", err: "no limited sessions\n" });
    const id = home.limited();
    const file = ccr(["check-limits", "--json"]).json().sessions[0].transcript;
    writeFileSync(file, readFileSync(file, "utf8").replaceAll(join(home.path, "projects/app"), "."));
    expect(ccr(["resume-all", "--json"]).json().plan).toMatchObject([{ id, reason: "directory-gone" }]);
  });

  it("reports a failure in one line with Claude's last words, and leaves the session for the next try", () => {
    const id = home.limited();
    const { out, err, status } = ccr(["resume-all", "--headless"], {
      env: { CCR_TEST_FAIL: "boom \u001b[2J of it" },
    });
    expect(status).toBe(1);
    expect(out).toMatch(
      new RegExp(`^${short(id)}  app  failed  boom \\[2J of it  log: .*resume-logs/.*\\.log\n$`),
    );
    expect(err).toContain("1 failed");
    expect(ccr(["resume-all", "--headless", "--json"]).json().plan).toMatchObject([
      { id, action: "skip", reason: "tried" },
    ]);
    expect(home.continued(id)).toBe(0);
  });

  it("reports a failure in tmux with Claude's last words", () => {
    const id = home.limited();
    const { out } = ccr(["resume-all", "--tmux"], { env: { CCR_TEST_FAIL: "boom of it" } });
    expect(out).toBe(`${short(id)}  app  failed  boom of it  tmux: claude-app\n`);
  });

  it("in ccr supervise stops itself after three failures in a row, also in cron's small environment", () => {
    for (let i = 0; i < 5; i++) home.limited();
    ccr(["config", "set", "autoResume", "on"]);
    ccr(["config", "set", "resume.interval", "0"]);
    ccr(["config", "set", "resume.max", "1"]);
    ccr(["config", "set", "resume.mode", "headless"]);
    for (let pass = 0; pass < 5; pass++) {
      spawnSync("/bin/sh", ["-c", `${process.execPath} ${bundle} supervise`], {
        env: {
          HOME: home.path,
          PATH: `${home.around}/bin:/usr/bin:/bin`,
          CCR_TEST_FAIL: "boom",
          TMUX_TMPDIR: home.env.TMUX_TMPDIR!,
        },
      });
    }
    expect(home.started()).toHaveLength(3);
    expect(ccr(["supervise", "--status"]).out).toContain("3 failures in a row");
    expect(ccr(["check-limits"]).err).toContain("supervise has stopped: 3 failures in a row");
  });

  it("resumes one named session, before its reset only with --now", () => {
    const id = home.limited({ resetsAt: Date.now() + HOUR });
    const other = home.limited();
    expect(ccr(["resume-all", short(id), "--headless", "--json"]).json().results).toEqual([]);
    expect(ccr(["resume-all", short(id), "--headless", "--now", "--json"]).json().results).toMatchObject([
      { id, outcome: "continued" },
    ]);
    expect(home.continued(other)).toBe(0);
    expect(ccr(["resume-all", "ffffffff-0", "--json"])).toMatchObject({ status: 1 });
  });

  it("skips a fork that only copied its original's limit, unless it is named or the original is deleted", () => {
    const original = home.limited();
    const [folder] = readdirSync(join(home.path, ".claude/projects"));
    const pathOf = (id: string) => join(home.path, ".claude/projects", folder!, `${id}.jsonl`);
    const fork = randomUUID();
    const rows = home.rows(original).map((row) => ({
      ...row,
      sessionId: fork,
      forkedFrom: { sessionId: original, messageUuid: row.uuid },
    }));
    writeFileSync(pathOf(fork), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    const plan = (...words: string[]) =>
      ccr(["resume-all", "--headless", "--interval", "0", "--json", ...words]).json();
    expect(plan("--dry-run").plan).toContainEqual(expect.objectContaining({ id: fork, reason: "copy" }));
    expect(plan().results).toMatchObject([{ id: original, outcome: "continued" }]);
    expect(plan().results).toEqual([]);
    expect(ccr(["check-limits", "--json"]).json().sessions).toMatchObject([{ id: fork, state: "ready" }]);
    expect(plan("--dry-run", fork).plan).toMatchObject([{ id: fork, action: "resume" }]);
    rmSync(pathOf(original));
    expect(plan().results).toMatchObject([{ id: fork, outcome: "continued" }]);
  });

  it("in ccr supervise runs a schedule of ccr resume-later once, though autoResume is off", () => {
    const id = home.limited({ resetsAt: Date.now() - HOUR });
    const other = home.limited();
    ccr(["config", "set", "resume.mode", "headless"]);
    expect(ccr(["resume-later", id, "--at", "2h"]).out).toContain("scheduled for");
    expect(ccr(["supervise", "--json"]).json().plan).toContainEqual(
      expect.objectContaining({ id, reason: "planned" }),
    );
    ccr(["resume-later", id]);
    expect(ccr(["supervise", "--json"]).json().results).toMatchObject([{ id, outcome: "continued" }]);
    expect(ccr(["supervise", "--json"]).json().results).toEqual([]);
    expect([home.continued(id), home.continued(other)]).toEqual([1, 0]);
  });

  it.each([
    [["--max", "0"], /invalid --max "0": use a number, 1 or more/],
    [["--since", "soon"], /invalid --since "soon": use a duration such as 7d or 36h/],
    [["--order", "size"], /invalid --order "size": use newest, oldest or reset/],
    [["--tmux", "--headless"], /--tmux and --headless cannot be combined/],
    [
      ["--permission-mode", "yolo"],
      /invalid --permission-mode "yolo": use default, acceptEdits, auto, plan, dontAsk or bypassPermissions/,
    ],
  ])("refuses %j as wrong usage", (words, message) => {
    const { status, err } = ccr(["resume-all", ...words]);
    expect(status).toBe(2);
    expect(err).toMatch(message);
  });

  it("reports a state folder that cannot be created in one line, and starts nothing", () => {
    home.limited();
    mkdirSync(join(home.path, ".local"));
    writeFileSync(join(home.path, ".local/state"), "a file");
    const { status, err } = ccr(["resume-all", "--headless"]);
    expect(status).toBe(1);
    expect(err).toMatch(
      /^1 ready\nccr: .*\.local\/state\/ccr.*: a part of the path is not a directory\n {5}check the path\n$/,
    );
    expect(home.started()).toEqual([]);
  });

  it("still prints the plan with a file in place of the state folder", () => {
    const id = home.limited();
    for (const path of [".local", ".local/state/ccr"]) {
      rmSync(join(home.path, ".local"), { recursive: true, force: true });
      mkdirSync(dirname(join(home.path, path)), { recursive: true });
      writeFileSync(join(home.path, path), "a file");
      const { out, err, status } = ccr(["resume-all", "--dry-run", "--headless"]);
      expect([status, err, out]).toEqual([0, "", expect.stringMatching(`${short(id)} +app +resume`)]);
      expect(ccr(["supervise", "--status"])).toMatchObject({ status: 0, err: "" });
    }
  });
});

describe("ccra --wait", () => {
  const wait = (): Started => start(home, ["resume-all", "--wait", "--now", "--headless", "--json"]);

  it("waits, and resumes each session at its reset", async () => {
    // Whole seconds: that is what a limit row and the stand-in's rows tell.
    const resets = [2, 4].map((seconds) => Math.floor(Date.now() / 1000 + seconds) * 1000);
    const ids = resets.map((resetsAt) => home.limited({ resetsAt }));
    const { status, out } = await wait().ended;
    expect(status).toBe(0);
    const outcomes = JSON.parse(out).results.map(({ id, outcome }: Record<string, string>) => [id, outcome]);
    expect(Object.fromEntries(outcomes)).toEqual(Object.fromEntries(ids.map((id) => [id, "continued"])));
    for (const [i, id] of ids.entries()) {
      expect(home.continued(id)).toBe(1);
      expect(Date.parse(home.rows(id)[2]!.timestamp)).toBeGreaterThanOrEqual(resets[i]!);
    }
  });

  it("exits with 130 on Ctrl-C, and does not end what it started", async () => {
    const now = home.limited();
    const later = home.limited({ resetsAt: Date.now() + HOUR });
    const { child, ended } = wait();
    await waitFor(() => home.continued(now) > 0, "the limited session is resumed");
    child.kill("SIGINT");
    expect((await ended).status).toBe(130);
    expect(home.continued(later)).toBe(0);
    await waitFor(() => home.rows(now).length >= 4, "the resumed session has its answer");
    expect(home.rows(now)).toHaveLength(4);
  });
});
