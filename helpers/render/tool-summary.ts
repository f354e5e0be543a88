import type { Row } from "../claude/rows.ts";
import { string } from "../claude/rows.ts";
import { visibleText } from "./page-text.ts";

/** Longest text of a tool, in characters. */
const MAX_TEXT = 100_000;

const truncate = (text: string): string =>
  text.length > MAX_TEXT
    ? `${text.slice(0, MAX_TEXT)}\n[${text.length - MAX_TEXT} more characters left out]`
    : text;

type Call = { about: string; code: string; language: string };

const diffLines = (text: unknown, sign: string): string =>
  typeof text === "string" && text !== "" ? text.replace(/^/gm, sign).concat("\n") : "";

/** Describes a tool call in one line and, if that is not everything, as code. */
function describeCall(input: Row): Call {
  const { command, file_path, content, new_source } = input;
  const path = string(file_path) ?? string(input.notebook_path);
  const written = string(content) ?? string(new_source);
  if (typeof command === "string")
    return { about: string(input.description) ?? command.split("\n", 1)[0]!, code: command, language: "sh" };
  const edits = editsOf(input);
  if (path !== null && edits.length > 0) {
    const code = edits
      .map((edit) => diffLines(edit?.old_string, "-") + diffLines(edit?.new_string, "+"))
      .join("\n");
    return { about: path, code, language: "diff" };
  }
  if (path !== null) return { about: path, code: written ?? "", language: extensionOf(path) };
  const about = Object.values(input).find((value) => typeof value === "string") as string | undefined;
  const more =
    Object.keys(input).length > 1 ||
    (about?.length ?? 0) > 80 ||
    (about === undefined && Object.keys(input).length > 0);
  return {
    about: (about ?? "").split("\n", 1)[0]!,
    code: more ? JSON.stringify(input, null, 2) : "",
    language: "json",
  };
}

export type ToolSummary = { summary: string; parts: [code: string, language: string][] };

/** Returns what a page shows of a tool call: its subject in one line, the call and its result as code. */
export function summarizeTool(input: Row, result: string | null, failed: boolean): ToolSummary {
  const { about, code, language } = describeCall(input);
  const resultLanguage = code === "" ? extensionOf(about) : "";
  const parts: ToolSummary["parts"] = [
    [code, language],
    [result ?? "", resultLanguage],
  ];
  return {
    summary: visibleText(`${about.slice(0, 200)}${failed ? " (failed)" : ""}`).trim(),
    parts: parts
      .map(([text, how]): [string, string] => [visibleText(truncate(text.trimEnd())), how])
      .filter(([text]) => text !== ""),
  };
}

function editsOf(input: Row): Row[] {
  if (Array.isArray(input.edits)) return input.edits as Row[];
  return "new_string" in input ? [input] : [];
}

/** Returns the extension of a file name, for highlighting. */
const extensionOf = (path: string): string => /\.(\w{1,10})$/.exec(path)?.[1] ?? "";
