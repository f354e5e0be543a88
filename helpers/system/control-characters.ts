// The characters that can act on a terminal or hide text from its reader. Text of sessions, files and other machines is
// untrusted; each place that prints it, types it or writes it to a page uses one of these sets.

const TAB_AND_NEWLINE = "\\t\\n";
const OTHER_C0 = "\\u0000-\\u0008\\u000b-\\u001f";
const DELETE_AND_C1 = "\\u007f-\\u009f";
/**
 * Soft hyphen, bidi marks, overrides and isolates, zero-width characters, line and paragraph separators, annotations.
 * The joiners U+200C and U+200D stay: scripts and emoji need them.
 */
const INVISIBLE =
  "\\u00ad\\u061c\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb";
/** Tag characters (U+E0000 to U+E007F), which can carry a whole hidden text. As surrogates: a "u" flag costs twice. */
const TAGS = "\\udb40[\\udc00-\\udc7f]";

const anyOf = (characters: string): RegExp => new RegExp(`[${characters}]|${TAGS}`, "g");

/** Control and invisible characters: for text that becomes one line. */
export const CONTROL = anyOf(TAB_AND_NEWLINE + OTHER_C0 + DELETE_AND_C1 + INVISIBLE);
/** The same without tab and newline: for text of several lines. */
export const CONTROL_IN_LINES = anyOf(OTHER_C0 + DELETE_AND_C1 + INVISIBLE);
const NOT_ESCAPED_BY_JSON = anyOf(DELETE_AND_C1 + INVISIBLE);

/** Escapes in JSON what could act on a terminal and what `JSON.stringify` leaves as it is. The value stays the same. */
export const escapeControls = (json: string): string =>
  json.replace(NOT_ESCAPED_BY_JSON, (character) =>
    character.replace(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`),
  );

/** Whether a text has an ASCII control character. A file name in an archive and a completed word may have none. */
export const hasAsciiControl = (text: string): boolean => /[\u0000-\u001f\u007f]/.test(text);
