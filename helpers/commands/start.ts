import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { requireClaude } from "../claude/cli.ts";
import { chooseTemplate, templateOptions } from "../cli/choose-template.ts";
import { type Command, stringFlag } from "../cli/command.ts";
import { launchSession, requireRoom } from "../cli/launch-session.ts";
import { requireDirectory, requireTmux } from "../cli/requirements.ts";
import { bytesOf } from "../live/cap.ts";
import { safeName } from "../live/create.ts";
import { liveSessions } from "../live/live-sessions.ts";
import { realPath } from "../sessions/lookup.ts";
import { Problem } from "../system/problem.ts";
import { writeStdout } from "../terminal/output.ts";

export const start: Command = {
  usage: "start [directory] [flags] [-- claude's own flags]",
  description:
    "Starts a new session in tmux, without going there, and prints its name. A template says the rest; what is given here goes before it.",
  flags: {
    name: {
      type: "string",
      short: "n",
      value: "name",
      description: "what it is called, in tmux and as its title",
    },
    prompt: { type: "string", short: "p", value: "text", description: "the first prompt" },
    template: { type: "string", value: "name", description: "start it as this template says" },
    memory: { type: "string", value: "size", description: "memory that it may use, like 2G" },
    restart: {
      type: "string",
      value: "when",
      description: "no, or on-failure: ccr supervise starts it again",
      completes: ["no", "on-failure"],
    },
  },
  positionals: "directory",
  examples: [
    ['ccr start ~/projects/shop --prompt "run the tests"', "let it work"],
    ["ccr start . --name review -- --permission-mode plan", "with flags of claude"],
  ],
  async run(call) {
    requireTmux();
    const [word = ".", ...flags] = call.positionals;
    const stray = flags.findIndex((flag, i) => i === 0 && !flag.startsWith("-"));
    if (stray >= 0)
      throw new Problem("usage", `"${flags[stray]}" is one word too many.`, {
        hint: 'a prompt: --prompt "…"   flags for claude: after --',
        exit: 2,
      });
    const asked = realPath(resolve(word));
    requireDirectory(asked);
    const template = await chooseTemplate(stringFlag(call, "template"), asked, call.warn);
    const given = stringFlag(call, "memory");
    const memory = given === undefined ? (template?.memory ?? null) : bytesOf(given);
    if (given !== undefined && memory === null)
      throw new Problem("usage", `--memory is a size like 2G, not "${given}".`, { exit: 2 });
    const restart = stringFlag(call, "restart") ?? template?.restart ?? "no";
    if (restart !== "no" && restart !== "on-failure")
      throw new Problem("usage", `--restart is no or on-failure, not "${restart}".`, { exit: 2 });
    const directory =
      call.positionals.length === 0 && template?.directory ? realPath(template.directory) : asked;
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
