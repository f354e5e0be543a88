import type { Command } from "../cli/command.ts";
import { tableLook } from "../cli/session-format.ts";
import { addRemote, remoteCommand, remoteOf, remotes, removeRemote } from "../remote/remote.ts";
import { handOver } from "../system/handoff.ts";
import { Problem } from "../system/problem.ts";
import { json } from "../terminal/json.ts";
import { isTerminal, unicode, writeStderr, writeStdout } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";

/** Seconds in which ssh has to reach a machine. */
const PATIENCE = 15;

/** `ccr --on <target> <words…>`: the target's own ccr answers, in our place. */
export async function runOn(target = "", words: readonly string[] = []): Promise<number> {
  const terminal = isTerminal(0) && isTerminal(1);
  const argv = remoteCommand(remoteOf(target), words, { terminal, utf8: unicode(), patience: PATIENCE });
  return handOver("/", argv);
}

export const remote: Command = {
  usage: "remote add <name> <address> | list | remove <name>",
  description:
    "Names for ccr --on <target> <verb…>, which has the ccr of another machine do it, and for ccr board --on <targets>. An address is what ssh takes (me@host, ssh://host:2222) or coder:<workspace>; it can stand in place of a name.",
  flags: {},
  positionals: ["add", "list", "remove"],
  maxArgs: 3,
  json: true,
  examples: [
    ["ccr remote add box me@box.example", "a machine, over ssh"],
    ["ccr remote add web coder:web", "a workspace, over coder ssh"],
    ["ccr --on web attach shop", "one of its sessions, on this terminal"],
    ["ccr board --on all", "all of them on one screen"],
  ],
  run(call) {
    const [verb = "list", name, address] = call.positionals;
    if (verb === "add" && name && address) addRemote(name, address);
    else if (verb === "remove" && name && !address) {
      if (!removeRemote(name))
        throw new Problem("target", `no target is called ${name}.`, { hint: "ccr remote list" });
    } else if (verb !== "list" || name)
      throw new Problem("usage", `usage: ccr ${remote.usage}`, { hint: "ccr remote --help", exit: 2 });
    const all = remotes();
    if (call.json) json("remote", { remotes: all }, call.warnings);
    else if (verb !== "list") return 0;
    else if (all.length === 0) writeStderr("no targets yet\n     add one  ccr remote add box me@host\n");
    else {
      const columns = [{ title: "NAME" }, { title: "ADDRESS", flexible: true }];
      const rows = all.map((one) => [one.name, one.address]);
      writeStdout(`${table(columns, rows, tableLook()).join("\n")}\n`);
    }
    return 0;
  },
};
