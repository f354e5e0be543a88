import { CONTROL_IN_LINES } from "../system/control-characters.ts";

/** What stands above the messages. Times are epoch ms. */
export type PageHead = {
  id: string;
  title: string | null;
  project: string | null;
  createdAt: number | null;
  updatedAt: number | null;
};

const COMMANDS = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]{0,2000}(?:\u0007|\u001b\\)?|[@-Z\\^_])/g;

/** Text without terminal commands; control characters and bidi overrides are marks that can be seen. */
export const visibleText = (text: string): string =>
  text
    .replace(COMMANDS, "")
    .replace(/\r\n?/g, "\n")
    .replace(CONTROL_IN_LINES, (character) =>
      character < " " ? String.fromCharCode(0x2400 + character.charCodeAt(0)) : "\ufffd",
    );

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** Null for times that no calendar has. */
export const iso = (at: number | null): string | null =>
  at !== null && Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : null;

/** `2026-11-17 18:37`, in UTC. */
export const clock = (at: number | null): string => (iso(at) ?? "").slice(0, 16).replace("T", " ");

/** The lines above the messages: title, then what and when. */
export const heading = (head: PageHead): [title: string, about: string[]] => [
  visibleText(head.title ?? "(no title)"),
  [
    `session ${head.id}`,
    ...(head.project === null ? [] : [visibleText(head.project)]),
    [clock(head.createdAt), clock(head.updatedAt)].filter(Boolean).join(" to ").concat(" UTC"),
  ],
];
