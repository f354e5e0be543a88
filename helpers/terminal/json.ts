import { escapeControls } from "../system/control-characters.ts";
import { collect } from "../system/heap.ts";
import { writeStdout } from "./output.ts";

export type Warning = { kind: string; message: string; hint: string | null };

/** Prints the JSON of a command: its fields within the common envelope. Fields are only added within a schema version. */
export function json(
  command: string,
  fields: Record<string, unknown>,
  warnings: readonly Warning[] = [],
): void {
  const envelope = { schema: `ccr/${command}@1`, generatedAt: new Date().toISOString(), ...fields, warnings };
  writeStdout(`${escapeControls(JSON.stringify(envelope, null, 2))}\n`);
}

/** Prints the same with a list of any length, which is never in memory as a whole. `fields` has it as an empty list. */
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

/** Returns epoch ms as ISO 8601 in UTC with milliseconds; null for no valid time. */
export const iso = (at: number | null | undefined): string | null =>
  at === null || at === undefined || !Number.isFinite(at) || Math.abs(at) > 8.64e15
    ? null
    : new Date(at).toISOString();
