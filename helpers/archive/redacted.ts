import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { forward } from "../claude/lines.ts";
import type { Redactor } from "./redact.ts";
import { type Source, sinkTo } from "./write.ts";

/** Larger files that are no rows are taken line by line. */
const WHOLE = 24 * 1024 * 1024;

let counter = 0;

/** The same source without its secrets: a copy in `directory`. Files that are no text stay as they are. */
export function redacted(source: Source, directory: string, redactor: Redactor): Source {
  const copy = join(directory, String(counter++));
  const sink = openSync(copy, "wx", 0o600);
  const fd = openSync(source.path, "r");
  try {
    const put = sinkTo(sink, copy);
    const rows = source.name.endsWith(".jsonl");
    if (!rows && fstatSync(fd).size <= WHOLE) {
      const bytes = readFileSync(fd);
      const text = bytes.toString();
      if (text.includes("\0") || text.includes("\ufffd")) return source;
      put(Buffer.from(redactor.text(text)));
    } else
      for (const [start, length] of source.pieces) {
        for (const { bytes, start: at, length: wide } of forward(fd, start + length, { start })) {
          // Too long to be looked through: what is not known to be clean is left out.
          const line = bytes && (rows ? redactor.line(bytes.toString()) : redactor.text(bytes.toString()));
          if (line !== null) put(Buffer.from(at + wide < start + length ? `${line}\n` : line));
        }
      }
    return { ...source, path: copy, pieces: [[0, fstatSync(sink).size]] };
  } finally {
    closeSync(fd);
    closeSync(sink);
  }
}
