import { readSync } from "node:fs";

/** A line longer than this is not kept in memory: 12 MB lines are real, 100 MB ones are damage. */
export const LONGEST_LINE = 24 * 1024 * 1024;

/**
 * A line of a file; `bytes` is null when it is longer than {@link LONGEST_LINE}, and may be overwritten when the next
 * line is asked for. `start` is its offset.
 */
export type Line = { bytes: Buffer | null; start: number; length: number };

/** Counts what was read, for the tests that gate on it. */
export const readCounts = { bytes: 0, opens: 0 };

/** Reads up to `length` bytes at `position`; less at the end of the file. */
export function readAt(fd: number, buffer: Uint8Array, position: number, length = buffer.length): number {
  let got = 0;
  while (got < length) {
    const n = readSync(fd, buffer, got, length - got, position + got);
    if (n === 0) break;
    got += n;
  }
  readCounts.bytes += got;
  return got;
}

const LARGEST_STEP = 1024 * 1024;

/** Reading thousands of files into a buffer each costs memory that is given back late: one serves for all first steps. */
let spare: Buffer | null = null;

function borrow(size: number): Buffer {
  const buffer = spare && spare.length >= size ? spare : Buffer.allocUnsafeSlow(size);
  spare = null;
  return buffer;
}

/**
 * Lines from `end` backwards, the last one first, read in growing steps (`first`, 4 × `first`, … 1 MiB). The
 * consumer stops by leaving the loop; `budget` bounds the bytes read in any case. Empty lines are left out. `enough` is
 * asked before each further step.
 */
export function* linesBackward(
  fd: number,
  end: number,
  first = 65_536,
  budget = Number.POSITIVE_INFINITY,
  enough: () => boolean = () => false,
): Generator<Line> {
  let pieces: Buffer[] = [];
  let held = 0;
  let bottom = end;
  let left = budget;
  for (let step = first; bottom > 0 && left > 0; step = Math.min(step * 4, LARGEST_STEP)) {
    if (bottom < end && enough()) return;
    const size = Math.min(step, bottom, left);
    left -= size;
    const top = bottom - size;
    const buffer = borrow(size);
    try {
      let stop = readAt(fd, buffer, top, size);
      for (let newline = lastNewline(buffer, stop); newline >= 0; newline = lastNewline(buffer, stop)) {
        const line = take(buffer.subarray(newline + 1, stop), top + newline + 1);
        if (line) yield line;
        stop = newline;
      }
      // What is kept for the next step is copied: the buffer is used again.
      if (stop > 0) hold(Buffer.from(buffer.subarray(0, stop)));
    } finally {
      spare = buffer;
    }
    bottom = top;
  }
  if (bottom === 0) {
    const line = take(Buffer.alloc(0), 0);
    if (line) yield line;
  }

  function hold(piece: Buffer): void {
    held += piece.length;
    if (held > LONGEST_LINE) pieces = [];
    else pieces.unshift(piece);
  }
  function take(head: Buffer, start: number): Line | undefined {
    const length = head.length + held;
    const joined = (): Buffer => (pieces.length === 0 ? head : Buffer.concat([head, ...pieces]));
    const bytes = length > LONGEST_LINE ? null : joined();
    pieces = [];
    held = 0;
    return length === 0 ? undefined : { bytes, start, length };
  }
}

const lastNewline = (buffer: Buffer, end: number): number =>
  end === 0 ? -1 : buffer.lastIndexOf(10, end - 1);

/** Lines from `start` on, the first one first, read in growing steps. A last line without newline counts. */
export function* linesForward(
  fd: number,
  end: number,
  options: { start?: number; first?: number; budget?: number } = {},
): Generator<Line> {
  let pieces: Buffer[] = [];
  let held = 0;
  const begin = options.start ?? 0;
  let lineStart = begin;
  let at = begin;
  const last = Math.min(end, begin + (options.budget ?? Number.POSITIVE_INFINITY));
  for (let step = options.first ?? 16_384; at < last; step = Math.min(step * 4, LARGEST_STEP)) {
    const size = Math.min(step, last - at);
    const buffer = borrow(size);
    try {
      const got = readAt(fd, buffer, at, size);
      if (got === 0) break;
      let from = 0;
      const view = buffer.subarray(0, got);
      for (let newline = view.indexOf(10); newline >= 0; newline = view.indexOf(10, from)) {
        const piece = view.subarray(from, newline);
        const length = held + piece.length;
        if (length > 0) yield { bytes: whole(piece, length), start: lineStart, length };
        pieces = [];
        held = 0;
        from = newline + 1;
        lineStart = at + from;
      }
      if (from < got) {
        held += got - from;
        if (held > LONGEST_LINE) pieces = [];
        else pieces.push(Buffer.from(view.subarray(from)));
      }
      at += got;
    } finally {
      spare = buffer;
    }
  }
  if (held > 0 && at >= end) yield { bytes: whole(Buffer.alloc(0), held), start: lineStart, length: held };

  function whole(piece: Buffer, length: number): Buffer | null {
    if (length > LONGEST_LINE) return null;
    return pieces.length === 0 ? piece : Buffer.concat([...pieces, piece]);
  }
}
