// The few things of tar that an archive of sessions needs: plain files, ustar headers, PAX where a name or size asks for it.

import { badArchive } from "./manifest.ts";

export const BLOCK = 512;
const LARGEST_OCTAL = 0o77777777777;
const LARGEST_PAX = 4096;
const PLAIN_NAME = /^[\x20-\x7e]{1,100}$/;

const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, "0")}\0`;
/** Zeros after `size` bytes, up to the next block. */
export const padding = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK;

function block(name: string, size: number, mtime: number, type: "0" | "x"): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0, 100, "latin1");
  header.write(octal(0o600, 8) + octal(0, 8) + octal(0, 8), 100, "latin1");
  header.write(octal(Math.min(size, LARGEST_OCTAL), 12) + octal(mtime, 12), 124, "latin1");
  header.write(`        ${type}`, 148, "latin1");
  header.write("ustar\u000000", 257, "latin1");
  header.write(octal(headerChecksum(header), 7), 148, "latin1");
  return header;
}

function headerChecksum(header: Buffer): number {
  let total = 0;
  for (let i = 0; i < BLOCK; i++) total += i >= 148 && i < 156 ? 32 : header[i]!;
  return total;
}

/** A PAX record counts its own length. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest);
  while (String(length).length + Buffer.byteLength(rest) !== length)
    length = String(length).length + Buffer.byteLength(rest);
  return length + rest;
}

/** What stands before a file of `size` bytes. `mtime` is epoch ms. */
export function tarHeader(name: string, size: number, mtime: number): Buffer {
  const seconds = Math.max(0, Math.floor(mtime / 1000));
  const plain = PLAIN_NAME.test(name);
  const records =
    (plain ? "" : paxRecord("path", name)) + (size > LARGEST_OCTAL ? paxRecord("size", String(size)) : "");
  const shown = plain ? name : name.replace(/[^\x20-\x7e]/g, "_").slice(-100);
  const header = block(shown, size, seconds, "0");
  if (records === "") return header;
  const bytes = Buffer.from(records);
  return Buffer.concat([
    block("pax", bytes.length, seconds, "x"),
    bytes,
    Buffer.alloc(padding(bytes.length)),
    header,
  ]);
}

/** Bytes as they come, taken in the pieces that are needed. */
export class ByteReader {
  readonly #from: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);
  constructor(from: AsyncIterable<Buffer>) {
    this.#from = from[Symbol.asyncIterator]();
  }
  /** Up to `most` bytes, at least one; null at the end. */
  async readSome(most: number): Promise<Buffer | null> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#from.next();
      if (done) return null;
      this.#rest = value;
    }
    const piece = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }
  async read(length: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for await (const piece of this.chunks(length)) pieces.push(piece);
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }
  async *chunks(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0; ) {
      const piece = await this.readSome(left);
      if (!piece) throw badArchive("it ends too early");
      left -= piece.length;
      yield piece;
    }
  }
}

/** Name and size of the next file, or null at the end. Anything but plain files is refused. */
export async function nextMember(bytes: ByteReader): Promise<{ name: string; size: number } | null> {
  let path: string | undefined;
  let large: number | undefined;
  for (;;) {
    const header = await bytes.read(BLOCK);
    if (header.every((byte) => byte === 0)) return null;
    const field = (from: number, length: number): string =>
      header.toString("latin1", from, from + length).split("\0", 1)[0]!;
    const number = (from: number, length: number): number => {
      const digits = field(from, length).trim();
      if (!/^[0-7]+$/.test(digits)) throw badArchive("a header in it is damaged");
      return Number.parseInt(digits, 8);
    };
    if (number(148, 8) !== headerChecksum(header) || !field(257, 6).startsWith("ustar"))
      throw badArchive("a header in it is damaged");
    const size = number(124, 12);
    const type = String.fromCharCode(header[156]!);
    const before = field(345, 155);
    const name = path ?? (before === "" ? field(0, 100) : `${before}/${field(0, 100)}`);
    if (type === "x" && path === undefined && large === undefined && size <= LARGEST_PAX) {
      const records = await bytes.read(size);
      await bytes.read(padding(size));
      for (let at = 0; at < records.length; ) {
        const space = records.indexOf(32, at);
        const length = Number(records.toString("latin1", at, space));
        const [, key, value] =
          /^(\w+)=([\s\S]*)\n$/.exec(records.toString("utf8", space + 1, at + length)) ?? [];
        if (key === "path") path = value;
        else if (key === "size" && /^\d{1,15}$/.test(value!)) large = Number(value);
        else throw badArchive("a header in it has more to say than ccr writes");
        at += length;
      }
      continue;
    }
    if (type !== "0" && type !== "\0") {
      const kinds: Record<string, string> = { "1": "a hard link", "2": "a symbolic link", "5": "a folder" };
      throw badArchive(
        `${kinds[type] ?? "something that is no plain file"} is in it: ${JSON.stringify(name.slice(0, 120))}`,
      );
    }
    return { name, size: large ?? size };
  }
}
