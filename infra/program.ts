/** How the helper's program gets into a workspace: cut into start scripts, because one script cannot hold it. */
import { gzipSync } from "node:zlib";
import { stripComments } from "./terraform-text.ts";

/** Bytes of a start script, exclusive. Linux takes arguments up to 131,071 bytes; a longer script never starts. */
export const SCRIPT_LIMIT = 100_000;

/** Terraform's gzip comes out up to 1 % larger than Node's, and each line of 1,000 characters has a line break. */
const PACKING_RESERVE = 1.02;

/** Bytes for the settings in front of a script: names, checksums, an address. */
const SETTINGS_RESERVE = 1500;

const MAX_PIECES = 9;

/** The helper's program as a stack has to know it. */
export interface Program {
  readonly version: string;
  /** Number of start scripts that it is cut into. */
  readonly pieces: number;
}

/**
 * The number of start scripts for a program. `files` are the texts that each of them has, by name.
 * Throws when the program is too large for any sensible number.
 */
export function pieceCount(program: Buffer, files: Readonly<Record<string, string>>): number {
  const texts = Object.entries(files).map(([name, text]) => Buffer.byteLength(stripComments(name, text)));
  const packed = Math.ceil(gzipSync(program).length / 3) * 4 * PACKING_RESERVE;
  const room = SCRIPT_LIMIT - SETTINGS_RESERVE - texts.reduce((sum, bytes) => sum + bytes, 0);
  const count = Math.ceil(packed / room);
  if (room > 0 && count <= MAX_PIECES) return count;
  throw new Error(
    `the helper has ${program.length} bytes, ${Math.round(packed)} compressed: too much for ${MAX_PIECES} start scripts of ${SCRIPT_LIMIT} bytes`,
  );
}
