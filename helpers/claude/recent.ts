// The last messages of a transcript, for a glance at it.
import { closeSync, fstatSync, openSync } from "node:fs";
import { linesBackward, readCounts } from "./lines.ts";
import { mayBeMessage } from "./row-marks.ts";
import { isMessage, object, parseLine, promptOf, type Row, string, textsOf } from "./rows.ts";

/** Text as the transcript has it: clean it before it is shown. `tool` is a call that Claude made. */
export type Message = { by: "you" | "claude" | "tool"; text: string };

/** How much of a transcript's end is looked at, and the longest line that is parsed for it. */
const BUDGET = 4 * 1024 * 1024;
const LONGEST = 1024 * 1024;

/**
 * The last `most` messages, oldest first, read from the end in growing steps; fewer where they lie far apart.
 * Throws Node's file errors.
 */
export function lastMessages(path: string, most: number): Message[] {
  const fd = openSync(path, "r");
  readCounts.opens++;
  const found: Message[] = [];
  try {
    for (const { bytes, length } of linesBackward(fd, fstatSync(fd).size, 16_384, BUDGET)) {
      if (!bytes || length > LONGEST) continue;
      if (!mayBeMessage(bytes)) continue;
      for (const row of parseLine(bytes.toString("utf8")).rows.reverse()) found.unshift(...messagesOf(row));
      if (found.length >= most) break;
    }
  } finally {
    closeSync(fd);
  }
  return found.slice(-most);
}

function messagesOf(row: Row): Message[] {
  if (!isMessage(row)) return [];
  if (row.type === "user") {
    const text = promptOf(row);
    return text === null ? [] : [{ by: "you", text }];
  }
  const text = textsOf(row).join("\n").trim();
  const said: Message[] = text === "" ? [] : [{ by: "claude", text }];
  return [...said, ...toolsOf(row)];
}

function toolsOf(row: Row): Message[] {
  const content = object(row.message)?.content;
  if (!Array.isArray(content)) return [];
  return content.flatMap((block): Message[] => {
    const call = object(block);
    const name = call?.type === "tool_use" ? string(call.name) : null;
    if (name === null) return [];
    const about = Object.values(object(call?.input) ?? {}).find((value) => typeof value === "string");
    return [{ by: "tool", text: about === undefined ? name : `${name}(${String(about).split("\n", 1)[0]})` }];
  });
}
