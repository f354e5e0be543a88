import type { Command } from "../cli/command.ts";
import { tableLook } from "../cli/session-format.ts";
import { usageError } from "../cli/usage-error.ts";
import {
  type Config,
  config,
  configFile,
  isSet,
  KEYS,
  type Key,
  type KeyName,
  parseValue,
  setKey,
} from "../system/config.ts";
import { Problem } from "../system/problem.ts";
import { json } from "../terminal/json.ts";
import { writeStdout } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";

export const configure: Command = {
  usage: "config list | get <key> | set <key> <value> | unset <key>",
  description:
    "Shows and changes ~/.config/ccr/config.json. An invalid value is refused and leaves the file unchanged.",
  flags: {},
  positionals: ["list", "get", "set", "unset", ...Object.keys(KEYS)],
  maxArgs: 3,
  json: true,
  examples: [
    ["ccr config list", "show all keys with their values and meanings"],
    ["ccr config set autoResume on", "let ccr supervise resume limited sessions"],
    ["ccr config get resume.prompt", "print one value, for a script"],
  ],
  run(call) {
    const [action = "list", name, value] = call.positionals;
    const names = Object.keys(KEYS) as KeyName[];
    if (action === "list" && name === undefined) {
      const set = config();
      if (call.json) json("config", { file: configFile(), values: set }, call.warnings);
      else writeStdout(`${lines(set, names)}\n`);
      return 0;
    }
    if (name !== undefined && !names.includes(name as KeyName)) {
      throw new Problem("config-key", `unknown key: ${name}`, { hint: "run: ccr config list", exit: 2 });
    }
    const key = name as KeyName;
    if (action === "get" && name !== undefined && value === undefined) {
      const found = config()[key];
      if (call.json) json("config", { file: configFile(), values: { [key]: found } }, call.warnings);
      else writeStdout(`${found}\n`);
      return 0;
    }
    if (action === "set" && value !== undefined) {
      setKey(key, parseValue(key, value));
      return 0;
    }
    if (action === "unset" && name !== undefined && value === undefined) {
      setKey(key, undefined);
      return 0;
    }
    throw usageError(
      "use ccr config list, get <key>, set <key> <value> or unset <key>",
      "run: ccr config --help",
    );
  },
};

function lines(set: Config, names: readonly KeyName[]): string {
  const rows = names.map((name) => {
    const { description }: Key = KEYS[name];
    return [
      name,
      [{ text: JSON.stringify(set[name]), ...(isSet(name) ? { colour: "bold" as const } : {}) }],
      description,
    ];
  });
  return table(
    [{ title: "KEY" }, { title: "VALUE" }, { title: "MEANING", flexible: true }],
    rows,
    tableLook(),
  ).join("\n");
}
