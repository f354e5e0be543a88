// The whole of it: the real CLI hits real limits (of a loopback service), and after the reset ccra goes on.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Claude, installClaude } from "../support/claude-cli.ts";
import { type Home, makeHome } from "../support/home.ts";
import {
  type Answer,
  limit,
  type MockApi,
  mockApi,
  noCredit,
  overloaded,
  say,
  throttled,
  unauthorized,
  use,
} from "../support/mock-api.ts";
import { bundle, ccr as run } from "../support/program.ts";
import { openTerminal } from "../support/tmux.ts";
import { waitFor } from "../support/wait-for.ts";

let home: Home;
let api: MockApi;
let claude: Claude;
let project: string;
beforeEach(async () => {
  home = makeHome();
  api = await mockApi();
  project = home.project("shop");
  claude = await installClaude(home, api.url, [project]);
});
afterEach(async () => {
  await home.remove();
  await api.close();
});

const seconds = () => Math.floor(Date.now() / 1000);

async function ccr(words: string[], more: Record<string, string> = {}) {
  const ran = await run(home, words, { env: { ...claude.env, ...more }, seconds: 120 });
  const json = words.includes("--json") && ran.out !== "" ? JSON.parse(ran.out) : null;
  return { ...ran, json };
}

/** A session that ends on these answers; its id. */
async function ended(...answers: Answer[]): Promise<string> {
  api.answers.push(...answers);
  const { json } = await claude.print(project, ["work on it"]);
  expect(json.is_error).toBe(true);
  api.answers.length = 0;
  return json.session_id;
}

/** Prompts of a session, without tool results and notes. */
const prompts = (id: string): unknown[] =>
  claude
    .rows(id)
    .filter((row) => row.type === "user" && row.isMeta !== true && row.isSidechain !== true)
    .map((row) => row.message!.content)
    .filter(
      (content) =>
        typeof content === "string" || (content as { type: string }[]).some(({ type }) => type === "text"),
    );

const log = (): {
  event: string;
  session: string | null;
  by: string;
  outcome?: string;
  why: string | null;
}[] => {
  try {
    return readFileSync(join(home.path, ".claude/resume-logs/resumes.jsonl"), "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  } catch {
    return [];
  }
};

describe("sessions that the real CLI has ended on a limit", { timeout: 180_000 }, () => {
  it("are resumed after the reset, exactly the right ones, each once, by ccra --headless", async () => {
    const week = await ended(limit("seven_day", seconds() + 3 * 86_400));
    const noTime = await ended(limit("five_hour", null));
    const spend = await ended(limit("overage", seconds() + 60));
    const throttle = await ended(throttled());
    const busy = await ended(overloaded());
    const login = await ended(unauthorized(), unauthorized(), unauthorized());
    const credit = await ended(noCredit());
    // Last, so that the minute after their reset is not over before it is looked at.
    const soon = seconds() + 5;
    const five = await ended(limit("five_hour", soon));
    const opus = await ended(limit("seven_day_opus", soon));

    const early = await ccr(["check-limits", "--json"]);
    expect(early.status).toBe(3);
    expect(early.json.sessions.map(({ id }: { id: string }) => id).sort()).toEqual(
      [five, opus, week, noTime].sort(),
    );
    expect(
      Object.fromEntries(
        early.json.blocked.map(({ id, blockedBy }: { id: string; blockedBy: string }) => [id, blockedBy]),
      ),
    ).toEqual({
      [spend]: "spend-limit",
      [throttle]: "other-api-error",
      [busy]: "overloaded",
      [login]: "login",
      [credit]: "credits",
    });

    // The reset itself has to pass.
    await sleep(Math.max(0, (soon + 1) * 1000 - Date.now()));
    const dry = await ccr(["resume-all", "--dry-run", "--json"]);
    expect(dry.json.plan.filter(({ action }: { action: string }) => action === "resume")).toEqual([]);
    expect(dry.json.plan.find(({ id }: { id: string }) => id === five)).toMatchObject({ reason: "too-soon" });

    api.answers.push(say("Here it goes on."), say("And here."));
    const run = await ccr(["resume-all", "--headless", "--now", "--interval", "0", "--json"]);
    expect(run.status, run.err).toBe(0);
    expect(
      run.json.results.map(({ id, outcome }: { id: string; outcome: string }) => [id, outcome]).sort(),
    ).toEqual(
      [
        [five, "continued"],
        [opus, "continued"],
      ].sort(),
    );
    expect(run.json.plan.find(({ id }: { id: string }) => id === week)).toMatchObject({
      action: "skip",
      reason: "waiting",
    });
    expect(run.json.plan.find(({ id }: { id: string }) => id === noTime)).toMatchObject({
      reason: "unknown-reset",
    });
    expect(run.json.plan.find(({ id }: { id: string }) => id === spend)).toMatchObject({ reason: "blocked" });
    for (const id of [five, opus]) expect(prompts(id)).toEqual(["work on it", "continue"]);
    for (const id of [week, noTime, spend, throttle, busy, login, credit])
      expect(prompts(id)).toHaveLength(1);

    const again = await ccr(["resume-all", "--headless", "--now", "--json"]);
    expect(again.json.results).toEqual([]);
    expect(
      log()
        .filter(({ event }) => event === "start")
        .map(({ session }) => session)
        .sort(),
    ).toEqual([five, opus].sort());
    expect(
      log()
        .filter(({ event }) => event === "outcome")
        .map(({ outcome }) => outcome),
    ).toEqual(["continued", "continued"]);
  });

  it("are resumed in tmux, where a person can attach, and then are left alone as live", async () => {
    const id = await ended(limit("five_hour", seconds() - 120));
    api.answers.push(say("Here it goes on."));
    const run = await ccr(["resume-all", "--tmux", "--json"]);
    expect(run.json.results, run.err).toMatchObject([{ id, outcome: "continued", tmux: "claude-shop" }]);
    expect(prompts(id)).toEqual(["work on it", "continue"]);
    const windows = await execa("tmux", ["list-windows", "-t", "=claude-shop:", "-F", "#{window_name}"], {
      env: claude.env,
      extendEnv: false,
    });
    expect(windows.stdout.split("\n")).toEqual(["claude", "shell", "logs"]);

    api.answers.push(limit("five_hour", seconds() - 60));
    await execa("tmux", ["send-keys", "-t", "=claude-shop:claude", "-l", "more"], {
      env: claude.env,
      extendEnv: false,
    });
    await waitFor(async () => {
      const { stdout } = await execa("tmux", ["capture-pane", "-p", "-t", "=claude-shop:claude"], {
        env: claude.env,
        extendEnv: false,
      });
      return /❯\s+more/.test(stdout);
    }, "the prompt shows what was typed");
    await execa("tmux", ["send-keys", "-t", "=claude-shop:claude", "Enter"], {
      env: claude.env,
      extendEnv: false,
    });
    await waitFor(
      () => claude.rows(id).filter((row) => row.isApiErrorMessage === true).length === 2,
      "the transcript has a second limit row",
    );
    const live = await ccr(["resume-all", "--now", "--json"]);
    expect(live.json.plan).toMatchObject([{ id, action: "skip", reason: "live" }]);
  });

  it("are reported when they are limited again, and tried again later, not at once", async () => {
    const id = await ended(limit("five_hour", seconds() - 120));
    api.answers.push(limit("five_hour", seconds() - 120));
    const run = await ccr(["resume-all", "--headless", "--json"]);
    expect(run.json.results).toMatchObject([{ id, outcome: "limited-again" }]);
    const next = await ccr(["resume-all", "--headless", "--now", "--json"]);
    expect(next.json.results).toEqual([]);
    expect(next.json.plan).toMatchObject([{ id, reason: "tried" }]);
    expect(prompts(id)).toHaveLength(2);
  });

  it("are reported with the tools that were not allowed, and never get a permission bypass by themselves", async () => {
    const id = await ended(limit("five_hour", seconds() - 120));
    const file = claude.rows(id);
    expect(file.length).toBeGreaterThan(0);
    api.answers.push(use("Bash", { command: "npm test", description: "test" }), say("I may not."));
    const run = await ccr(["resume-all", "--headless", "--json"]);
    expect(run.json.results).toMatchObject([{ id, outcome: "continued", detail: "not allowed: Bash" }]);
    const started = await ended(limit("five_hour", seconds() - 120));
    const seen = join(home.path, "arguments");
    const spy = join(home.around, "bin/claude");
    await execa("rm", [spy]);
    writeFileSync(spy, `#!/bin/sh\necho "$*" >>${seen}\nexec ${claude.file} "$@"\n`, { mode: 0o755 });
    await ccr(["resume-all", "--headless", "--json"]);
    expect(prompts(started)).toHaveLength(2);
    expect(readFileSync(seen, "utf8")).not.toMatch(/bypass|dangerously/);
  });

  it("are reported when they need a login, and supervise then stops itself until a person says go", async () => {
    const id = await ended(limit("five_hour", seconds() - 120));
    await ccr(["config", "set", "autoResume", "on"]);
    await ccr(["config", "set", "resume.mode", "headless"]);
    api.answers.push(unauthorized(), unauthorized(), unauthorized());
    const pass = await ccr(["supervise", "--json"]);
    expect(pass.json.results).toMatchObject([{ id, outcome: "needs-login" }]);
    expect(pass.json.stopped).toMatchObject({ why: "the login has expired" });
    const other = await ended(limit("five_hour", seconds() - 120));
    const next = await ccr(["supervise", "--json"]);
    expect(next.json.plan).toContainEqual(expect.objectContaining({ id: other, reason: "stopped" }));
    expect((await ccr(["check-limits"])).err).toContain("supervise has stopped: the login has expired");
    const go = await ccr(["supervise", "--go", "--json"]);
    expect(go.json.results).toMatchObject([{ id: other, outcome: "continued" }]);
  });

  it("are left alone by ccr supervise unless autoResume is on", async () => {
    const id = await ended(limit("five_hour", seconds() - 120));
    const asked = api.turns().length;
    const off = await ccr(["supervise"]);
    expect(off).toMatchObject({ status: 0, out: "", err: "" });
    // Nothing may happen, also a moment later.
    await sleep(1500);
    expect(api.turns()).toHaveLength(asked);
    expect(prompts(id)).toHaveLength(1);
    expect(log()).toEqual([]);
    expect((await ccr(["supervise", "--status"])).out).toContain("autoResume is off");

    await ccr(["config", "set", "autoResume", "on"]);
    await ccr(["pause", id]);
    expect((await ccr(["supervise", "--json"])).json.plan).toMatchObject([{ id, reason: "paused" }]);
    await ccr(["pause", id, "--off"]);
    const on = await ccr(["supervise", "--json"]);
    expect(on.json.results).toMatchObject([{ id, outcome: "continued" }]);
    expect(prompts(id)).toHaveLength(2);
  });

  it("are resumed after a workspace restart that killed the live CLI without a trace", async () => {
    const terminal = await openTerminal(home, {
      cwd: project,
      env: claude.env,
      command: ["claude", "work on it"],
    });
    const past = seconds() - 120;
    api.answers.push(limit("five_hour", past));
    let id = "";
    await waitFor(() => {
      id = claude.ids()[0] ?? "";
      return id !== "" && claude.rows(id).some((row) => row.isApiErrorMessage === true);
    }, "the live session has ended on its limit");
    process.kill(terminal.pid, "SIGKILL");
    await terminal.end();
    expect(
      readdirSync(join(home.path, ".claude/sessions")).filter((name) => name.endsWith(".json")),
    ).toHaveLength(1);
    // A new pid namespace: what the registry says of pids means nothing any more.
    const words = ["--pid", "--fork", "--mount-proc", "node", bundle, "resume-all", "--headless", "--json"];
    const ran = await execa(
      "unshare",
      [...(process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"]), ...words],
      {
        env: claude.env,
        extendEnv: false,
        cwd: home.path,
        stdin: "ignore",
        reject: false,
      },
    );
    expect(JSON.parse(ran.stdout).results, ran.stdout + ran.stderr).toMatchObject([
      { id, outcome: "continued" },
    ]);
    expect(prompts(id)).toEqual(["work on it", "continue"]);
  });

  it("are reported when Claude waits for a person: for a permission, and for trust in the directory", async () => {
    const asks = await ended(limit("five_hour", seconds() - 120));
    api.answers.push(use("Bash", { command: "npm test", description: "test" }), say("Done."));
    const one = await ccr(["resume-all", "--tmux", "--json", "--permission-mode", "acceptEdits"]);
    expect(one.json.results).toMatchObject([{ id: asks, outcome: "waiting-for-permission" }]);

    const other = home.project("strange");
    api.answers.length = 0;
    api.answers.push(limit("five_hour", seconds() - 120));
    const { json } = await claude.print(other, ["work on it"]);
    const two = await ccr(["resume-all", "--tmux", "--json"]);
    expect(two.json.results).toMatchObject([{ id: json.session_id, outcome: "trust-dialog" }]);
    expect(prompts(json.session_id)).toHaveLength(1);
  });
});
