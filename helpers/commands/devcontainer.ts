import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { slug } from "../claude/places.ts";
import { type Call, type Command, type CommandEntry, isSet, stringFlag } from "../cli/command.ts";
import { resolveEntry } from "../cli/resolve-session.ts";
import { invalidValue, usageError } from "../cli/usage-error.ts";
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
    "Shares Claude's sessions with a dev container: host and container have one history, and the container reads the host's settings. add edits devcontainer.json and keeps its comments; remove restores it byte for byte; check finds problems, on the host and in the container; open starts the container and resumes the newest session of the directory in it.",
  flags: {
    isolate: {
      type: "boolean",
      description: "add: share nothing; the container has sessions of its own",
    },
    env: {
      type: "string",
      value: "NAME",
      multiple: true,
      description: "add: pass this variable of the host to the container; a token is never written to a file",
    },
    home: {
      type: "string",
      value: "path",
      description: "add: the home in the container, if devcontainer.json names no user",
    },
    config: { type: "string", value: "file", description: "use this devcontainer.json", completes: "file" },
    refresh: { type: "boolean", description: "add: only update the files that the container reads" },
    session: {
      type: "string",
      value: "session",
      description: "open: resume this session",
      completes: "session",
    },
    up: { type: "boolean", description: "open: only start the container and print what to type" },
  },
  positionals: ACTIONS,
  maxArgs: 2,
  json: true,
  examples: [
    ["ccr devcontainer add", "share sessions with the container of this directory"],
    ["ccr devcontainer add --env CLAUDE_CODE_OAUTH_TOKEN", "the same, and pass the login to it"],
    ["ccr devcontainer open", "resume the newest session in the container"],
    ["ccr devcontainer check", "show what is shared, find problems and how to fix them"],
    ["ccr devcontainer remove", "stop sharing"],
  ],
  async run(call) {
    const [action = "check", directory = "."] = call.positionals;
    if (!isAction(action))
      throw invalidValue("action", action, `${ACTIONS.slice(0, -1).join(", ")} or ${ACTIONS.at(-1)}`);
    const host = realPathOrSame(resolve(directory));
    if (!existsSync(host)) throw usageError(`no such directory: ${host}`);
    const inside = shareInContainer();
    if (action === "check") {
      const report = inside ? checkInside(inside, host) : checkHost(host);
      printReport(call, report);
      return report.findings.some(({ state }) => state === "wrong") ? 1 : 0;
    }
    if (inside)
      throw new Problem("inside", `run ${action} on the host; this is the container`, {
        hint: "run: ccr devcontainer check",
      });
    const changes = new Changes(false);
    const names = namesOf(PROGRAM, commands);
    const shims: Shims = (target) => {
      // Empty: the container's Node is elsewhere, so the start script searches for it.
      const script = shim({ file: `${target}/ccr/ccr.cjs`, node: "" }, names);
      return Object.fromEntries(names.map(({ name }) => [name, script]));
    };
    if (action === "open") return openContainer(call, host, changes, shims);
    if (action === "remove") return stopSharing(call, host, changes);
    if (isSet(call, "refresh")) return refreshShare(call, host, changes, shims);
    return share(call, host, changes, shims);
  },
});

const isAction = (word: string): word is Action => ACTIONS.some((action) => action === word);

/** Returns the start scripts by name, for a program below a folder of the container. */
type Shims = (target: string) => Record<string, string>;

async function share(call: Call, host: string, changes: Changes, shims: Shims): Promise<number> {
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
      new Problem("no-helper", "the container has no ccr, because ccr is not installed here", {
        hint: "run: ccr install",
      }),
    );
  const mounts = mountsOf(shareFolderOf(host), record);
  if (call.json) {
    print(call, "add", record, record.file, { mounts, changes });
    return 0;
  }
  writeStdout(`${mountLines(mounts)}\n${tilde(record.file)}\n`);
  const exitFirst = record.isolated ? "" : "exit Claude here, then: ";
  writeStderr(`start it  ${exitFirst}ccr devcontainer open${directoryArgument(host)}\n`);
  return 0;
}

function refreshShare(call: Call, host: string, changes: Changes, shims: Shims): number {
  const { path, record } = shareFolderOf(host);
  if (record) {
    refresh({ path, record }, record, changes, shims);
    makeLink(record);
  }
  if (changes.problems.length > 0) throw changes.problems[0]!;
  if (call.json) print(call, "add", record, record?.file ?? null, { changes });
  return 0;
}

function stopSharing(call: Call, host: string, changes: Changes): number {
  const record = remove(host, changes);
  if (call.json) print(call, "remove", record, record?.file ?? null, { changes });
  else if (!record) writeStdout("this project does not share sessions with a container\n");
  else {
    const kept = tilde(join(shareFolderOf(host).path, "claude"));
    writeStdout(`${tilde(record.file)} is as it was before\nkept  ${kept}  the container's own files\n`);
  }
  return 0;
}

/** Returns the directory as an argument of a suggested command; nothing for the current one. */
const directoryArgument = (host: string): string => (host === process.cwd() ? "" : ` ${quote(host)}`);

type Details = {
  mounts?: readonly Mount[];
  changes?: Changes;
  inside?: boolean;
  findings?: Report["findings"];
  next?: string | null;
};

/** Prints the JSON of an action. */
function print(
  call: Call,
  action: Action,
  share: Share | null,
  file: string | null,
  { mounts = [], changes, inside = false, findings = [], next = null }: Details,
): void {
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

/** Returns a line of what is shared and a line of what the container can only read. */
function mountLines(mounts: readonly Mount[]): string {
  const names = (readOnly: boolean): string =>
    mounts
      .filter((one) => one.readOnly === readOnly && one.name !== "")
      .map(({ name }) => (name === "host" ? "settings" : name))
      .join(" ");
  return `shared     ${names(false) || "nothing: the container has sessions of its own"}\nread-only  ${names(true)}`;
}

/** Prints the report of `check`. */
function printReport(call: Call, { share, file, inside, mounts, findings }: Report): void {
  if (call.json) {
    print(call, "check", share, file, { mounts, inside, findings });
    return;
  }
  if (share) writeStdout(`${mountLines(mounts)}\n`);
  const signs = unicode() ? { ok: "●", note: "◐", wrong: "✕" } : { ok: "*", note: "?", wrong: "x" };
  const colours = { ok: "green", note: "yellow", wrong: "red" } as const;
  for (const { state, message, fix } of findings) {
    writeStdout(`${paint(signs[state], colours[state])} ${clean(message)}\n`);
    if (fix !== null) writeStdout(`     ${clean(fix)}\n`);
  }
}

/** Starts the container and resumes the session in it, on this terminal. Without a terminal, prints what to type. */
async function openContainer(call: Call, host: string, changes: Changes, shims: Shims): Promise<number> {
  const { path, record } = shareFolderOf(host);
  if (!record)
    throw new Problem("not-shared", "this project does not share sessions with a container", {
      hint: `first run: ccr devcontainer add${directoryArgument(host)}`,
    });
  const id = sessionToOpen(call, host, record);
  const hasOwn = record.isolated && idsIn(join(path, "claude/projects", slug(record.container))).length > 0;
  const own = hasOwn ? ["--continue"] : [];
  const claude = ["claude", ...(id ? ["--resume", id] : own)];
  const onlyStart = isSet(call, "up") || call.json || !isTerminal(0) || !isTerminal(1);
  const live = id && readContext().live.get(id);
  if (live && !onlyStart)
    throw new Problem("live", `${id.slice(0, 8)} is running here (pid ${live.pid})`, {
      hint: ["exit it first: /exit", "two Claudes in one session would damage the conversation"],
    });
  refresh({ path, record }, record, changes, shims);
  makeLink(record);
  if (changes.problems.length > 0) throw changes.problems[0]!;

  const place = ["--workspace-folder", host, "--config", chooseConfigFile(host, record.file)];
  await startReadyContainer(place, host, record);
  const argv = ["devcontainer", "exec", ...place, ...claude];
  if (!onlyStart) return handOver(host, argv);
  const next = live
    ? `/exit, then: ccr devcontainer open${directoryArgument(host)}`
    : commandLine(host, argv);
  if (call.json) print(call, "open", record, record.file, { changes, next });
  else writeStdout(`${clean(next)}\n`);
  return 0;
}

/** Returns the id of the session to resume in the container; undefined for a container with its own sessions. */
function sessionToOpen(call: Call, host: string, { isolated }: Share): string | undefined {
  if (isolated) return undefined;
  const word = stringFlag(call, "session");
  return word === undefined ? sessionsOf(host, 1)[0]?.id : resolveEntry(word).id;
}

/** Starts the container. Throws a Problem when its project folder is another one, or when it has no claude. */
async function startReadyContainer(place: readonly string[], host: string, record: Share): Promise<void> {
  const { startContainer, inContainer } = await import("../devcontainer/engine.ts");
  const { folder, user } = await startContainer(place);
  // Checked before Claude starts in another folder, where it would begin a separate history.
  if (folder !== null && folder !== record.container)
    throw new Problem("folder", `the project is in ${folder}, not in ${record.container}`, {
      hint: [`set "workspaceFolder": "${folder}" in devcontainer.json`, "then run: ccr devcontainer add"],
    });
  if (!(await inContainer(place, ["sh", "-c", "command -v claude"])))
    throw new Problem("no-claude", `claude is not installed in the container${user ? ` for ${user}` : ""}`, {
      hint: [
        'add to devcontainer.json: "features": { "ghcr.io/anthropics/devcontainer-features/claude-code:1": {} }',
        `then run: devcontainer up --remove-existing-container --workspace-folder ${quote(host)}`,
      ],
    });
}
