import type { Command } from "../cli/command.ts";
import { tableLook } from "../cli/session-format.ts";
import { usageError } from "../cli/usage-error.ts";
import { addRemote, remoteCommand, remoteOf, remotes, removeRemote } from "../remote/remote.ts";
import { handOver } from "../system/handoff.ts";
import { Problem } from "../system/problem.ts";
import { json } from "../terminal/json.ts";
import { isTerminal, unicode, writeStderr, writeStdout } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";

/** Seconds that ssh may take to connect. */
const CONNECT_TIMEOUT = 15;

/** Replaces this process by `ccr <args>` on a target: `ccr --on <target> <args…>`. */
export async function runOn(target = "", args: readonly string[] = []): Promise<number> {
  const terminal = isTerminal(0) && isTerminal(1);
  const argv = remoteCommand(remoteOf(target), args, {
    terminal,
    utf8: unicode(),
    connectTimeout: CONNECT_TIMEOUT,
  });
  return handOver("/", argv);
}

export const remote: Command = {
  usage: "remote add <name> <address> | list | remove <name>",
  description:
    "Names remote machines for ccr --on <target> <command…>, which runs a command with the ccr of that machine, and for ccr board --on <targets>. An address is anything that ssh accepts (me@host, ssh://host:2222) or coder:<workspace>. You can also use an address as a target directly.",
  flags: {},
  positionals: ["add", "list", "remove"],
  maxArgs: 3,
  json: true,
  examples: [
    ["ccr remote add box me@box.example", "name a machine, reached over ssh"],
    ["ccr remote add web coder:web", "name a workspace, reached over coder ssh"],
    ["ccr --on web attach shop", "show one of its sessions on this terminal"],
    ["ccr board --on all", "show the sessions of all targets on one screen"],
  ],
  run(call) {
    const [action = "list", name, address] = call.positionals;
    if (action === "add" && name && address) addRemote(name, address);
    else if (action === "remove" && name && !address) {
      if (!removeRemote(name))
        throw new Problem("target", `no target named "${name}"`, { hint: "list them: ccr remote list" });
    } else if (action !== "list" || name)
      throw usageError(`usage: ccr ${remote.usage}`, "run: ccr remote --help");
    const all = remotes();
    if (call.json) json("remote", { remotes: all }, call.warnings);
    else if (action !== "list") return 0;
    else if (all.length === 0) writeStderr("no targets yet\n     add one: ccr remote add box me@host\n");
    else {
      const columns = [{ title: "NAME" }, { title: "ADDRESS", flexible: true }];
      const rows = all.map((one) => [one.name, one.address]);
      writeStdout(`${table(columns, rows, tableLook()).join("\n")}\n`);
    }
    return 0;
  },
};
