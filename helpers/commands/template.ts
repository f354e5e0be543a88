import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { noTemplate } from "../cli/choose-template.ts";
import type { Call, Command } from "../cli/command.ts";
import { tableLook } from "../cli/session-format.ts";
import {
  allow,
  fileOf,
  isAllowed,
  isName,
  names,
  PERMISSION_MODES,
  projectTemplate,
  type Template,
  templateNamed,
} from "../live/template.ts";
import { writeAtomic } from "../system/files.ts";
import { Problem } from "../system/problem.ts";
import { clean, cleanLines } from "../terminal/clean.ts";
import { json } from "../terminal/json.ts";
import { writeStderr, writeStdout } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";

const EXAMPLE = {
  windows: [{ name: "shell" }, { name: "dev", command: "npm run dev" }, { name: "logs" }],
  permissionMode: "acceptEdits",
  memory: "4G",
  restart: "on-failure",
};

export const template: Command = {
  usage: "template list|show|new|allow [name or directory] [flags]",
  description: `What ccr start DIR --template NAME starts: ~/.config/ccr/templates/NAME.json, or .ccr/template.json of a project, which is used once you have allowed it as it is. Fields, all optional: directory, windows (name, command, directory; beside Claude's), model, permissionMode (${PERMISSION_MODES.join(", ")}), prompt, environment (names that are passed on), memory ("4G"), restart (no, on-failure).`,
  flags: {},
  positionals: ["list", "show", "new", "allow"],
  maxArgs: 2,
  json: true,
  examples: [
    ["ccr template new web", "make web.json, to be edited"],
    ["ccr template show web", "what it says"],
    ["ccr template allow .", "allow the one that this project brings"],
  ],
  async run(call) {
    const [action = "list", word] = call.positionals;
    if (action === "list") return list(call);
    if (!["new", "show", "allow"].includes(action))
      throw new Problem("usage", `ccr template has no "${action}".`, {
        hint: "ccr template list|show|new|allow",
        exit: 2,
      });
    if (action === "new") make(word);
    const own = action === "new" || (action === "show" && names().includes(word ?? ""));
    const directory = resolve(word ?? ".");
    const found = own ? templateNamed(word!) : projectTemplate(directory);
    if (found === null) throw noTemplate(directory);
    if (action === "allow") await allow(found);
    if (call.json) json("template", { templates: [await rowOf(found)] }, call.warnings);
    else if (action === "show") writeStdout(`${cleanLines(found.text).trimEnd()}\n`);
    else writeStdout(`${clean(found.file)}\n`);
    return 0;
  },
};

const rowOf = async (one: Template) => {
  const { text: _, ...fields } = one;
  return { ...fields, allowed: await isAllowed(one) };
};

async function list(call: Call): Promise<number> {
  const found: Template[] = [];
  for (const read of [
    ...names().map((name) => () => templateNamed(name)),
    () => projectTemplate(process.cwd()),
  ])
    try {
      found.push(...[read() ?? []].flat());
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      call.warn(error);
    }
  const rows = await Promise.all(found.map(rowOf));
  if (call.json) json("template", { templates: rows }, call.warnings);
  else {
    const lines = rows.map(({ name, allowed, directory, file }) => [
      name,
      directory ?? "-",
      `${file}${allowed ? "" : "  not allowed yet: ccr template allow"}`,
    ]);
    const columns = ["NAME", "DIRECTORY", "FILE"].map((title, i) => ({ title, flexible: i > 0 }));
    if (rows.length === 0) writeStderr("no templates yet; make one: ccr template new NAME\n");
    else writeStdout(`${table(columns, lines, tableLook()).join("\n")}\n`);
  }
  return 0;
}

function make(name: string | undefined): void {
  if (name === undefined || !isName(name))
    throw new Problem("usage", "a template's name has letters, digits, - and _.", { exit: 2 });
  const file = fileOf(name);
  if (existsSync(file)) throw new Problem("exists", `${file} is there already.`, { hint: "edit it" });
  writeAtomic(file, `${JSON.stringify(EXAMPLE, null, 2)}\n`);
}
