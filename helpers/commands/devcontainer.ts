import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { slug } from "../claude/places.ts";
import { type Call, type Command, type CommandEntry, isSet, stringFlag } from "../cli/command.ts";
import { resolveEntry } from "../cli/resolve-session.ts";
import { checkHost, checkInside, type Report } from "../devcontainer/check.ts";
import { makeLink } from "../devcontainer/link.ts";
import { type Mount, mountsOf } from "../devcontainer/mounts.ts";
import { add, chooseConfigFile, refresh, remove } from "../devcontainer/share.ts";
import { realPathOrSame, type Share, shareFolderOf, shareInContainer } from "../devcontainer/share-folder.ts";
import { Changes, tilde } from "../install/changes.ts";
import { namesOf, PROGRAM } from "../install/names.ts";
import { shim } from "../install/shim.ts";
import { readContext } from "../sessions/context.ts";
import { sessionsOf } from "../sessions/lookup.ts";
import { idsIn } from "../sessions/store.ts";
import { handOver } from "../system/handoff.ts";
import { program } from "../system/places.ts";
import { Problem } from "../system/problem.ts";
import { commandLine, quote } from "../system/shell-quote.ts";
import { clean } from "../terminal/clean.ts";
import { paint } from "../terminal/colour.ts";
import { json } from "../terminal/json.ts";
import { isTerminal, unicode, writeStderr, writeStdout } from "../terminal/output.ts";

const ACTIONS = ["add", "check", "remove", "open"] as const;
type Action = (typeof ACTIONS)[number];

/** The list of commands is passed in because that list imports this file. */
export const devcontainer = (commands: readonly CommandEntry[]): Command => ({
  usage: "devcontainer add|check|remove|open [dir] [flags]",
  description:
    "Shares Claude's sessions with a dev container: one history on both sides, the host's settings to read. add edits devcontainer.json (comments stay), remove brings it back byte for byte, check tells what is wrong, on the host and in the container, open starts the container and goes on in it in the newest session of the directory.",
  flags: {
    isolate: {
      type: "boolean",
      description: "add: nothing of the host's; the container has sessions of its own",
    },
    env: {
      type: "string",
      value: "NAME",
      multiple: true,
      description: "add: hand in this variable of the host's (a token: never as a file)",
    },
    home: {
      type: "string",
      value: "path",
      description: "add: the home in the container, where the file names no user",
    },
    config: { type: "string", value: "file", description: "this devcontainer.json", completes: "file" },
    refresh: { type: "boolean", description: "add: only bring up to date what the container reads" },
    session: { type: "string", value: "session", description: "open: this one", completes: "session" },
    up: { type: "boolean", description: "open: only start the container, and say what to type" },
  },
  positionals: ACTIONS,
  maxArgs: 2,
  json: true,
  examples: [
    ["ccr devcontainer add", "share with the container of this directory"],
    ["ccr devcontainer add --env CLAUDE_CODE_OAUTH_TOKEN", "… and hand in the login"],
    ["ccr devcontainer open", "go on in the container"],
    ["ccr devcontainer check", "what is shared, what is wrong, how to fix it"],
    ["ccr devcontainer remove", "take it out again"],
  ],
  async run(call) {
    const [action = "check", directory = "."] = call.positionals;
    if (!ACTIONS.includes(action as Action))
      throw new Problem("usage", `"${action}" is not one of ${ACTIONS.join(", ")}.`, {
        hint: "ccr devcontainer --help",
        exit: 2,
      });
    const host = realPathOrSame(resolve(directory));
    if (!existsSync(host)) throw new Problem("usage", `no such directory: ${host}`, { exit: 2 });
    const inside = shareInContainer();
    if (action === "check") {
      const report = inside ? checkInside(inside, host) : checkHost(host);
      tell(call, report);
      return report.findings.some(({ state }) => state === "wrong") ? 1 : 0;
    }
    if (inside)
      throw new Problem("inside", `this is the container; ${action} is for the host.`, {
        hint: "ccr devcontainer check",
      });
    const changes = new Changes(false);
    const names = namesOf(PROGRAM, commands);
    const shims = (target: string): Record<string, string> => {
      // The container's Node is not the host's: it is searched for.
      const script = shim({ file: `${target}/ccr/ccr.cjs`, node: "" }, names);
      return Object.fromEntries(names.map(({ name }) => [name, script]));
    };
    if (action === "open") return await open(call, host, changes, shims);
    if (action === "remove") {
      const record = remove(host, changes);
      const place = shareFolderOf(host).path;
      if (call.json) print(call, "remove", record, record?.file ?? null, [], changes);
      else if (!record) writeStdout("nothing is shared with a container of this project\n");
      else
        writeStdout(
          `${tilde(record.file)} is as it was\nkept  ${tilde(join(place, "claude"))}  the container's own files\n`,
        );
      return 0;
    }
    if (isSet(call, "refresh")) {
      const { path, record } = shareFolderOf(host);
      if (record) {
        refresh({ path, record }, record, changes, shims);
        makeLink(record);
      }
      if (changes.problems.length > 0) throw changes.problems[0]!;
      if (call.json) print(call, "add", record, record?.file ?? null, [], changes);
      return 0;
    }
    const file = stringFlag(call, "config");
    const options = {
      file: file === undefined ? null : resolve(file),
      home: stringFlag(call, "home") ?? null,
      isolate: isSet(call, "isolate"),
      env: (call.flags.env ?? []) as string[],
    };
    const record = await add(host, options, changes, shims, call.warn);
    if (!existsSync(program()))
      call.warn(
        new Problem("no-helper", "the container has no ccr: it is not installed here.", {
          hint: "ccr install",
        }),
      );
    const mounts = mountsOf(shareFolderOf(host), record);
    if (call.json) print(call, "add", record, record.file, mounts, changes);
    else {
      writeStdout(`${shown(mounts)}\n${tilde(record.file)}\n`);
      writeStderr(
        `start it  ${record.isolated ? "" : "end Claude here, then: "}ccr devcontainer open${running(record)}\n`,
      );
    }
    return 0;
  },
});

const running = ({ host }: Share): string => (host === process.cwd() ? "" : ` ${quote(host)}`);

function print(
  call: Call,
  action: Action,
  share: Share | null,
  file: string | null,
  mounts: readonly Mount[],
  changes: Changes | null,
  more: { inside?: boolean; findings?: Report["findings"]; next?: string | null } = {},
): void {
  const { inside = false, findings = [], next = null } = more;
  const project = share && { host: share.host, container: share.container };
  const fields = {
    action,
    inside,
    file,
    project,
    configDirectory: share?.target ?? null,
    isolated: share?.isolated ?? null,
  };
  json("devcontainer", { ...fields, mounts, findings, files: changes?.done ?? [], next }, call.warnings);
}

/** What is shared, in a line each. */
function shown(mounts: readonly Mount[]): string {
  const names = (readOnly: boolean): string =>
    mounts
      .filter((one) => one.readOnly === readOnly && one.name !== "")
      .map(({ name }) => (name === "host" ? "settings" : name))
      .join(" ");
  return `shared     ${names(false) || "nothing: the container has sessions of its own"}\nread-only  ${names(true)}`;
}

function tell(call: Call, { share, file, inside, mounts, findings }: Report): void {
  if (call.json) {
    print(call, "check", share, file, mounts, null, { inside, findings });
    return;
  }
  if (share) writeStdout(`${shown(mounts)}\n`);
  const signs = unicode() ? { ok: "●", note: "◐", wrong: "✕" } : { ok: "*", note: "?", wrong: "x" };
  const colours = { ok: "green", note: "yellow", wrong: "red" } as const;
  for (const { state, message, fix } of findings) {
    writeStdout(`${paint(signs[state], colours[state])} ${clean(message)}\n`);
    if (fix !== null) writeStdout(`     ${clean(fix)}\n`);
  }
}

/** Starts the container and goes on in it: the same session, on its own terminal. */
async function open(
  call: Call,
  host: string,
  changes: Changes,
  shims: (target: string) => Record<string, string>,
): Promise<number> {
  const { path, record } = shareFolderOf(host);
  if (!record)
    throw new Problem("not-shared", "nothing is shared with a container of this project.", {
      hint: `first: ccr devcontainer add${running({ host } as Share)}`,
    });
  const asked = stringFlag(call, "session");
  const known = record.isolated
    ? undefined
    : asked !== undefined
      ? resolveEntry(asked).id
      : sessionsOf(host, 1)[0]?.id;
  const own = record.isolated && idsIn(join(path, "claude/projects", slug(record.container))).length > 0;
  const claude = ["claude", ...(known ? ["--resume", known] : own ? ["--continue"] : [])];
  const up = isSet(call, "up") || call.json || !isTerminal(0) || !isTerminal(1);
  const live = known && readContext().live.get(known);
  if (live && !up)
    throw new Problem("live", `${known.slice(0, 8)} is running here (pid ${live.pid}).`, {
      hint: ["end it first: /exit", "two at once would tear the conversation apart"],
    });
  refresh({ path, record }, record, changes, shims);
  makeLink(record);
  if (changes.problems.length > 0) throw changes.problems[0]!;

  const place = ["--workspace-folder", host, "--config", chooseConfigFile(host, record.file)];
  const { startContainer, inContainer } = await import("../devcontainer/engine.ts");
  const { folder, user } = await startContainer(place);
  if (folder !== null && folder !== record.container)
    // Before the first Claude is started there: else it makes a history of its own.
    throw new Problem("folder", `the project is in ${folder}, not in ${record.container}.`, {
      hint: [`set "workspaceFolder": "${folder}" in devcontainer.json`, "then: ccr devcontainer add"],
    });
  if (!(await inContainer(place, ["sh", "-c", "command -v claude"])))
    throw new Problem("no-claude", `the container has no claude${user ? ` for ${user}` : ""}.`, {
      hint: [
        'add to devcontainer.json: "features": { "ghcr.io/anthropics/devcontainer-features/claude-code:1": {} }',
        `then: devcontainer up --remove-existing-container --workspace-folder ${quote(host)}`,
      ],
    });
  const argv = ["devcontainer", "exec", ...place, ...claude];
  if (!up) return handOver(host, argv);
  const next = live ? `/exit, then: ccr devcontainer open${running(record)}` : commandLine(host, argv);
  if (call.json) print(call, "open", record, record.file, [], changes, { next });
  else writeStdout(`${clean(next)}\n`);
  return 0;
}
