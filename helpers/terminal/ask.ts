import { readSync } from "node:fs";
import { errno } from "../system/problem.ts";
import { isTerminal, writeStderr } from "./output.ts";

/** Asks a question on the terminal. Returns true for an answer that starts with y, null when there is no terminal. */
export function ask(question: string): boolean | null {
  if (!isTerminal(0) || !isTerminal(2)) return null;
  writeStderr(`${question} [y/N] `);
  const bytes = Buffer.alloc(256);
  for (;;) {
    try {
      return /^\s*y/i.test(bytes.toString("utf8", 0, readSync(0, bytes)));
    } catch (error) {
      if (errno(error) === "EOF") return false;
      if (errno(error) !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    }
  }
}
