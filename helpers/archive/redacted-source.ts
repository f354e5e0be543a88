import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { linesForward } from "../claude/lines.ts";
import type { Redactor } from "../redact/redactor.ts";
import { fileWriter } from "../system/files.ts";
import type { Source } from "./write.ts";

/** Files larger than this (bytes) are read line by line. */
const LARGEST_AT_ONCE = 24 * 1024 * 1024;

let counter = 0;

/** Copies a source without its secrets into `directory`. A file that is not UTF-8 is read as Latin-1. */
export function redactedCopy(source: Source, directory: string, redactor: Redactor): Source {
  const copy = join(directory, String(counter++));
  const output = openSync(copy, "wx", 0o600);
  const fd = openSync(source.path, "r");
  try {
    const write = fileWriter(output, copy);
    const isJsonl = source.name.endsWith(".jsonl");
    if (!isJsonl && fstatSync(fd).size <= LARGEST_AT_ONCE) {
      const bytes = readFileSync(fd);
      const utf8 = bytes.toString();
      const encoding = /[\0\ufffd]/.test(utf8) ? "latin1" : "utf8";
      write(Buffer.from(redactor.text(bytes.toString(encoding)), encoding));
    } else
      for (const [start, length] of source.pieces) {
        for (const { bytes, start: at, length: wide } of linesForward(fd, start + length, { start })) {
          // A line that is too long to check is left out.
          const line = bytes && (isJsonl ? redactor.line(bytes.toString()) : redactor.text(bytes.toString()));
          if (line !== null) write(Buffer.from(at + wide < start + length ? `${line}\n` : line));
        }
      }
    return { ...source, name: redactor.text(source.name), path: copy, pieces: [[0, fstatSync(output).size]] };
  } finally {
    closeSync(fd);
    closeSync(output);
  }
}
