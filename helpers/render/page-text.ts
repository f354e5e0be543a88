// What the pages have in common: the heading, times, and text that cannot act on a browser or terminal.

import { CONTROL_IN_LINES } from "../system/control-characters.ts";

/** The session that a page shows. Times are epoch ms. */
export type PageHead = {
  id: string;
  title: string | null;
  project: string | null;
  createdAt: number | null;
  updatedAt: number | null;
};

/** Escape sequences of terminals. */
const ESCAPE_SEQUENCES =
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]{0,2000}(?:\u0007|\u001b\\)?|[@-Z\\^_])/g;

/** Returns a text without escape sequences, with visible signs in place of control and invisible characters. */
export const visibleText = (text: string): string =>
  text
    .replace(ESCAPE_SEQUENCES, "")
    .replace(/\r\n?/g, "\n")
    .replace(CONTROL_IN_LINES, (character) =>
      character < " " ? String.fromCharCode(0x2400 + character.charCodeAt(0)) : "\ufffd",
    );

/** Escapes a text for HTML. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** Returns a time as ISO 8601; null if it is unknown or out of range. */
export const iso = (at: number | null): string | null =>
  at !== null && Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : null;

/** Returns a time in UTC: `2026-11-17 18:37`. */
export const clock = (at: number | null): string => (iso(at) ?? "").slice(0, 16).replace("T", " ");

/** Returns the title of a page and the lines below it: session, project and times. */
export const heading = (head: PageHead): [title: string, about: string[]] => [
  visibleText(head.title ?? "(no title)"),
  [
    `session ${head.id}`,
    ...(head.project === null ? [] : [visibleText(head.project)]),
    [clock(head.createdAt), clock(head.updatedAt)].filter(Boolean).join(" to ").concat(" UTC"),
  ],
];
