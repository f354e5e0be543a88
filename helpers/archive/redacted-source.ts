import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { forward } from "../claude/lines.ts";
import type { Redactor } from "../redact/redactor.ts";
import { fileWriter } from "../system/files.ts";
import type { Source } from "./write.ts";

/** Larger files that are no rows are taken line by line. */
const WHOLE = 24 * 1024 * 1024;

let counter = 0;

/** The same source without its secrets: a copy in `directory`. What is no UTF-8 is looked through byte by byte. */
export function redactedCopy(source: Source, directory: string, redactor: Redactor): Source {
  const copy = join(directory, String(counter++));
  const sink = openSync(copy, "wx", 0o600);
  const fd = openSync(source.path, "r");
  try {
    const put = fileWriter(sink, copy);
    const rows = source.name.endsWith(".jsonl");
    if (!rows && fstatSync(fd).size <= WHOLE) {
      const bytes = readFileSync(fd);
      const utf8 = bytes.toString();
      const encoding = /[\0\ufffd]/.test(utf8) ? "latin1" : "utf8";
      put(Buffer.from(redactor.text(bytes.toString(encoding)), encoding));
    } else
      for (const [start, length] of source.pieces) {
        for (const { bytes, start: at, length: wide } of forward(fd, start + length, { start })) {
          // Too long to be looked through: what is not known to be clean is left out.
          const line = bytes && (rows ? redactor.line(bytes.toString()) : redactor.text(bytes.toString()));
          if (line !== null) put(Buffer.from(at + wide < start + length ? `${line}\n` : line));
        }
      }
    return { ...source, name: redactor.text(source.name), path: copy, pieces: [[0, fstatSync(sink).size]] };
  } finally {
    closeSync(fd);
    closeSync(sink);
  }
}
