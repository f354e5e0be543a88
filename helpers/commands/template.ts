import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { noTemplate } from "../cli/choose-template.ts";
import type { Call, Command } from "../cli/command.ts";
import { tableLook } from "../cli/session-format.ts";
import { usageError } from "../cli/usage-error.ts";
import {
  allow,
  isAllowed,
  isTemplateName,
  PERMISSION_MODES,
  projectTemplate,
  type Template,
  templateFile,
  templateNamed,
  templateNames,
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
  description: `Manages the templates that ccr start uses: your own in ~/.config/ccr/templates/NAME.json, and the one of a project in .ccr/template.json, which is used only after you have allowed its current content. All fields are optional: directory, windows (name, command, directory; in addition to Claude's window), model, permissionMode (${PERMISSION_MODES.join(", ")}), prompt, environment (names of variables to pass on), memory (such as "4G"), restart (no, on-failure).`,
  flags: {},
  positionals: ["list", "show", "new", "allow"],
  maxArgs: 2,
  json: true,
  examples: [
    ["ccr template new web", "create web.json from an example"],
    ["ccr template show web", "print it"],
    ["ccr template allow .", "allow the template of this project"],
  ],
  async run(call) {
    const [action = "list", word] = call.positionals;
    if (action === "list") return printList(call);
    if (!["new", "show", "allow"].includes(action))
      throw usageError(`unknown action: "${action}"`, "run: ccr template list|show|new|allow");
    if (action === "new") create(word);
    const own = action === "new" || (action === "show" && templateNames().includes(word ?? ""));
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

async function printList(call: Call): Promise<number> {
  const readers = [
    ...templateNames().map((name) => () => templateNamed(name)),
    () => projectTemplate(process.cwd()),
  ];
  const found: Template[] = [];
  for (const read of readers) {
    try {
      const one = read();
      if (one) found.push(one);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      call.warn(error);
    }
  }
  const rows = await Promise.all(found.map(rowOf));
  if (call.json) json("template", { templates: rows }, call.warnings);
  else {
    const lines = rows.map(({ name, allowed, directory, file }) => [
      name,
      directory ?? "-",
      `${file}${allowed ? "" : "  not allowed yet: run ccr template allow"}`,
    ]);
    const columns = ["NAME", "DIRECTORY", "FILE"].map((title, i) => ({ title, flexible: i > 0 }));
    if (rows.length === 0) writeStderr("no templates yet\n     create one: ccr template new NAME\n");
    else writeStdout(`${table(columns, lines, tableLook()).join("\n")}\n`);
  }
  return 0;
}

function create(name: string | undefined): void {
  if (name === undefined || !isTemplateName(name))
    throw name === undefined
      ? usageError("missing argument: <name>", "run: ccr template new web")
      : usageError(`invalid name "${name}": use letters, digits, - and _`);
  const file = templateFile(name);
  if (existsSync(file))
    throw new Problem("exists", `${file} already exists`, {
      hint: `edit it, or show it: ccr template show ${name}`,
    });
  writeAtomic(file, `${JSON.stringify(EXAMPLE, null, 2)}\n`);
}
