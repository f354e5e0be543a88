import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { requireClaude } from "../claude/cli.ts";
import { chooseTemplate, templateOptions } from "../cli/choose-template.ts";
import { type Call, type Command, stringFlag } from "../cli/command.ts";
import { launchSession, requireRoom } from "../cli/launch-session.ts";
import { requireDirectory, requireTmux } from "../cli/requirements.ts";
import { invalidValue, usageError } from "../cli/usage-error.ts";
import { parseSize } from "../live/cap.ts";
import { safeName } from "../live/create.ts";
import { liveSessions } from "../live/live-sessions.ts";
import type { Template } from "../live/template.ts";
import { realPath } from "../sessions/lookup.ts";
import { writeStdout } from "../terminal/output.ts";

export const start: Command = {
  usage: "start [directory] [flags] [-- flags of claude]",
  description:
    "Starts a new session in tmux without attaching to it, and prints its name. Flags take precedence over the template.",
  flags: {
    name: {
      type: "string",
      short: "n",
      value: "name",
      description: "name of the tmux session and title of the session",
    },
    prompt: { type: "string", short: "p", value: "text", description: "the first prompt" },
    template: { type: "string", value: "name", description: "use this template (ccr template list)" },
    memory: { type: "string", value: "size", description: "memory limit, such as 2G" },
    restart: {
      type: "string",
      value: "when",
      description: "no (default), or on-failure: ccr supervise restarts it",
      completes: ["no", "on-failure"],
    },
  },
  positionals: "directory",
  examples: [
    ['ccr start ~/projects/shop --prompt "run the tests"', "start it with a prompt"],
    ["ccr start . --name review -- --permission-mode plan", "pass flags to claude"],
  ],
  async run(call) {
    requireTmux();
    const [word = ".", ...flags] = call.positionals;
    const [stray] = flags;
    if (stray !== undefined && !stray.startsWith("-"))
      throw usageError(`unexpected argument: "${stray}"`, [
        'give a prompt: --prompt "text"',
        "give flags to claude: after --",
      ]);
    const named = realPath(resolve(word));
    requireDirectory(named);
    const template = await chooseTemplate(stringFlag(call, "template"), named, call.warn);
    const memory = memoryOf(call, template);
    const restart = restartOf(call, template);
    const directory =
      call.positionals.length === 0 && template?.directory ? realPath(template.directory) : named;
    requireDirectory(directory);
    requireRoom(await liveSessions());
    const id = randomUUID();
    const title = stringFlag(call, "name");
    const prompt = stringFlag(call, "prompt") ?? template?.prompt ?? undefined;
    const own = templateOptions(template, { flags, memory, restart });
    const words = [...(title ? ["--name", title] : []), ...own.flags, ...flags];
    const { name } = await launchSession({
      ...own.making,
      project: directory,
      id,
      command: [requireClaude(), "--session-id", id, ...words, ...(prompt ? ["--", prompt] : [])],
      name: title ? safeName(title) : undefined,
    });
    writeStdout(`${name}\n`);
    return 0;
  },
};

/** The memory limit in bytes; null if there is none. */
function memoryOf(call: Call, template: Template | null): number | null {
  const given = stringFlag(call, "memory");
  if (given === undefined) return template?.memory ?? null;
  const bytes = parseSize(given);
  if (bytes === null) throw invalidValue("--memory", given, "a size such as 2G");
  return bytes;
}

function restartOf(call: Call, template: Template | null): "no" | "on-failure" {
  const restart = stringFlag(call, "restart") ?? template?.restart ?? "no";
  if (restart === "no" || restart === "on-failure") return restart;
  throw invalidValue("--restart", restart, "no or on-failure");
}
