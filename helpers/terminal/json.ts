import { escapeControls } from "../system/control-characters.ts";
import { collect } from "../system/heap.ts";
import { writeStdout } from "./output.ts";

export type Warning = { kind: string; message: string; hint: string | null };

/** The one envelope of `--json`; fields are only ever added within a version. */
export function json(
  command: string,
  fields: Record<string, unknown>,
  warnings: readonly Warning[] = [],
): void {
  const envelope = { schema: `ccr/${command}@1`, generatedAt: new Date().toISOString(), ...fields, warnings };
  writeStdout(`${escapeControls(JSON.stringify(envelope, null, 2))}\n`);
}

/** The same with a list that is never in memory as a whole: thousands are real. Its field is given empty. */
export function jsonList(
  command: string,
  fields: Record<string, unknown>,
  name: string,
  list: Iterable<unknown>,
  warnings: readonly Warning[],
): void {
  const envelope = { schema: `ccr/${command}@1`, generatedAt: new Date().toISOString(), ...fields, warnings };
  const [head, tail] = escapeControls(JSON.stringify(envelope, null, 2)).split(
    new RegExp(`(?<=^ {2}"${name}": \\[)(?=\\])`, "m"),
  );
  let text = head!;
  let printed = 0;
  for (const one of list) {
    if (printed % 100 === 99) collect();
    text += `${printed++ > 0 ? "," : ""}\n${escapeControls(JSON.stringify(one, null, 2)).replace(/^/gm, "    ")}`;
    if (text.length < 65_536) continue;
    writeStdout(text);
    text = "";
  }
  writeStdout(`${text}${printed > 0 ? "\n  " : ""}${tail}\n`);
}

/** Epoch milliseconds to the contract's ISO 8601 UTC with milliseconds. */
export const iso = (at: number | null | undefined): string | null =>
  at === null || at === undefined || !Number.isFinite(at) || Math.abs(at) > 8.64e15
    ? null
    : new Date(at).toISOString();
