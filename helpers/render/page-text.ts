// What the pages for people share: how a tool call is told, and text that cannot act.
import type { Row } from "../claude/rows.ts";
import { string } from "../claude/rows.ts";
import { CONTROL_IN_LINES } from "../system/control-characters.ts";

/** What stands above the messages. Times are epoch ms. */
export type Head = {
  id: string;
  title: string | null;
  project: string | null;
  createdAt: number | null;
  updatedAt: number | null;
};

/** More of a tool's text than this is left out, and it is said how much. */
const MOST = 100_000;

const COMMANDS = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]{0,2000}(?:\u0007|\u001b\\)?|[@-Z\\^_])/g;

/** Text without terminal commands; control characters and bidi overrides are marks that can be seen. */
export const visible = (text: string): string =>
  text
    .replace(COMMANDS, "")
    .replace(/\r\n?/g, "\n")
    .replace(CONTROL_IN_LINES, (character) =>
      character < " " ? String.fromCharCode(0x2400 + character.charCodeAt(0)) : "\ufffd",
    );

const cut = (text: string): string =>
  text.length > MOST ? `${text.slice(0, MOST)}\n[${text.length - MOST} more characters left out]` : text;

export const entities = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** Null for times that no calendar has. */
export const iso = (at: number | null): string | null =>
  at !== null && Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : null;

/** `2026-11-17 18:37`, in UTC. */
export const clock = (at: number | null): string => (iso(at) ?? "").slice(0, 16).replace("T", " ");

/** The lines above the messages: title, then what and when. */
export const heading = (head: Head): [title: string, about: string[]] => [
  visible(head.title ?? "(no title)"),
  [
    `session ${head.id}`,
    ...(head.project === null ? [] : [visible(head.project)]),
    [clock(head.createdAt), clock(head.updatedAt)].filter(Boolean).join(" to ").concat(" UTC"),
  ],
];

type Call = { about: string; code: string; language: string };

const lines = (text: unknown, sign: string): string =>
  typeof text === "string" && text !== "" ? text.replace(/^/gm, sign).concat("\n") : "";

/** A tool call in one line and, where that does not say all, as code. */
function callOf(input: Row): Call {
  const { command, file_path, content, new_source } = input;
  const path = string(file_path) ?? string(input.notebook_path);
  const written = string(content) ?? string(new_source);
  if (typeof command === "string")
    return { about: string(input.description) ?? command.split("\n", 1)[0]!, code: command, language: "sh" };
  const edits = Array.isArray(input.edits) ? (input.edits as Row[]) : "new_string" in input ? [input] : [];
  if (path !== null && edits.length > 0) {
    const code = edits.map((edit) => lines(edit?.old_string, "-") + lines(edit?.new_string, "+")).join("\n");
    return { about: path, code, language: "diff" };
  }
  if (path !== null) return { about: path, code: written ?? "", language: endingOf(path) };
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

export type Shown = { summary: string; parts: [code: string, language: string][] };

/** What is shown of a tool call: name and subject in one line, the call and its result as code. */
export function shown(input: Row, result: string | null, failed: boolean): Shown {
  const { about, code, language } = callOf(input);
  const reads = code === "" ? endingOf(about) : "";
  const parts: Shown["parts"] = [
    [code, language],
    [result ?? "", reads],
  ];
  return {
    summary: visible(`${about.slice(0, 200)}${failed ? " (failed)" : ""}`).trim(),
    parts: parts
      .map(([text, how]): [string, string] => [visible(cut(text.trimEnd())), how])
      .filter(([text]) => text !== ""),
  };
}

/** The ending of a file's name, for highlighting. */
const endingOf = (path: string): string => /\.(\w{1,10})$/.exec(path)?.[1] ?? "";
