// Commands in the documentation exist, and so do their flags.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, expect, test } from "vitest";
import { root } from "../support/home.ts";
import { bundle } from "../support/program.ts";

const COMMAND_OF: Record<string, string> = {
  cct: "open",
  "cct-list": "ps",
  "cct-kill": "stop",
  ccra: "resume-all",
};
const pages = ["README.md", ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })]
  .filter((name) => name.endsWith(".md"))
  .map((name) => (name === "README.md" ? name : join("docs", name)));

const helpOf = new Map<string, string>();
async function help(words: string[]): Promise<string> {
  const { stdout } = await execa("node", [bundle, ...words, "--help"], { env: { COLUMNS: "200" } });
  return stdout;
}

beforeAll(async () => {
  const names = [...(await help([])).matchAll(/^ {2}(ccr [a-z-]+|cc[a-z-]+)(?= {2})/gm)].map(
    ([, name]) => name!,
  );
  const commands = names.map((name) => COMMAND_OF[name] ?? name.replace(/^ccr[ -]/, ""));
  await Promise.all(commands.map(async (command) => helpOf.set(command, await help([command]))));
});

/** Every call of ccr in a page: in code blocks line by line, and in inline code. */
function callsIn(page: string): string[][] {
  const text = readFileSync(join(root, page), "utf8").replaceAll("\\|", "¦");
  const code = [...text.matchAll(/^```(?:sh)?\n([\s\S]*?)^```$/gm), ...text.matchAll(/`([^`\n]+)`/g)];
  return code
    .flatMap(([, lines]) => lines!.split("\n"))
    .flatMap((line) => line.replace(/(^|\s)#.*/, "").split(/&&|[|;]|\$\(| -- /))
    .map((call) => call.replace(/^\s*(?:\$ )?/, "").split(/\s+/))
    .filter(([name = ""]) => /^(?:ccr|cct)[a-z-]*$/.test(name));
}

/** The command of a call, and the flags that were given to it. */
function parse([name = "", ...words]: string[]): [command: string, flags: string[]] {
  const rest = words[0] === "--on" ? words.slice(2) : words;
  const [first = ""] = rest;
  const nested = /^(?:ccr-|cct|ccra)/.test(first) ? first : name;
  const command =
    nested !== "ccr"
      ? (COMMAND_OF[nested] ?? nested.replace("ccr-", ""))
      : helpOf.has(first)
        ? first
        : "resume";
  return [command, rest.filter((word) => /^--[a-z]/.test(word)).map((word) => /^--[a-z-]+/.exec(word)![0])];
}

test.each(pages)("the page %s names only commands and flags that exist", (page) => {
  const wrong = callsIn(page)
    .filter(
      ([name, first]) => !(name === "ccr" && (first === undefined || /^--(?:help|version)$/.test(first))),
    )
    .flatMap((call) => {
      const [command, flags] = parse(call);
      const text = helpOf.get(command);
      if (text === undefined) return [`${call.join(" ")}: no command ${command}`];
      return flags
        .filter((flag) => !new RegExp(`^ +(?:-[a-zA-Z], )?${flag}(?![a-z-])`, "m").test(text))
        .map((flag) => `${call.join(" ")}: no flag ${flag}`);
    });
  expect(wrong).toEqual([]);
});

test("the test of the pages finds the calls of ccr in them", () => {
  expect(pages.flatMap(callsIn).length).toBeGreaterThan(200);
});
