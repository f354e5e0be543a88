// The part of tar that an archive of sessions needs: regular files with ustar headers, and PAX records for long names and
// large sizes. Format: POSIX pax.

import { badArchive } from "./manifest.ts";

const BLOCK = 512;
const LARGEST_OCTAL = 0o77777777777;
const LARGEST_PAX = 4096;
const PLAIN_NAME = /^[\x20-\x7e]{1,100}$/;

const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, "0")}\0`;
/** Returns the number of zero bytes that follow `size` bytes up to the next block. */
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

/** Sums up the bytes of a header, with the checksum field itself as blanks. */
function headerChecksum(header: Buffer): number {
  let total = 0;
  for (let i = 0; i < BLOCK; i++) total += i >= 148 && i < 156 ? 32 : header[i]!;
  return total;
}

/** Returns a PAX record, which begins with its own length. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest);
  while (String(length).length + Buffer.byteLength(rest) !== length)
    length = String(length).length + Buffer.byteLength(rest);
  return length + rest;
}

/** Returns the header of a file of `size` bytes. `mtime` is epoch ms. */
export function tarHeader(name: string, size: number, mtime: number): Buffer {
  const seconds = Math.max(0, Math.floor(mtime / 1000));
  const plain = PLAIN_NAME.test(name);
  const records =
    (plain ? "" : paxRecord("path", name)) + (size > LARGEST_OCTAL ? paxRecord("size", String(size)) : "");
  const shortName = plain ? name : name.replace(/[^\x20-\x7e]/g, "_").slice(-100);
  const header = block(shortName, size, seconds, "0");
  if (records === "") return header;
  const bytes = Buffer.from(records);
  return Buffer.concat([
    block("pax", bytes.length, seconds, "x"),
    bytes,
    Buffer.alloc(padding(bytes.length)),
    header,
  ]);
}

/** Reads a stream in pieces of the requested size. Throws a Problem if it ends too early. */
export class ByteReader {
  readonly #from: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);
  constructor(from: AsyncIterable<Buffer>) {
    this.#from = from[Symbol.asyncIterator]();
  }
  /** Reads between one and `most` bytes; null at the end. */
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
  /** Reads exactly `length` bytes. */
  async read(length: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for await (const piece of this.chunks(length)) pieces.push(piece);
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }
  /** Yields exactly `length` bytes as they arrive. */
  async *chunks(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0; ) {
      const piece = await this.readSome(left);
      if (!piece) throw badArchive("it ends too early");
      left -= piece.length;
      yield piece;
    }
  }
}

type Header = { name: string; size: number; type: string };

const KINDS: Record<string, string> = { "1": "a hard link", "2": "a symbolic link", "5": "a folder" };

/** Reads name and size of the next file; null at the end. Throws a Problem for anything but regular files. */
export async function nextMember(bytes: ByteReader): Promise<{ name: string; size: number } | null> {
  let pax: PaxRecords | null = null;
  for (;;) {
    const block = await bytes.read(BLOCK);
    if (block.every((byte) => byte === 0)) return null;
    const { name: ownName, size, type } = parseHeader(block);
    if (type === "x" && pax === null && size <= LARGEST_PAX) {
      pax = parsePax(await bytes.read(size));
      await bytes.read(padding(size));
      continue;
    }
    const name = pax?.path ?? ownName;
    if (type !== "0" && type !== "\0") {
      const kind = KINDS[type] ?? "something other than a regular file";
      throw badArchive(`it contains ${kind}: ${JSON.stringify(name.slice(0, 120))}`);
    }
    return { name, size: pax?.size ?? size };
  }
}

function parseHeader(header: Buffer): Header {
  const field = (from: number, length: number): string =>
    header.toString("latin1", from, from + length).split("\0", 1)[0]!;
  const number = (from: number, length: number): number => {
    const digits = field(from, length).trim();
    if (!/^[0-7]+$/.test(digits)) throw badArchive("a header is damaged");
    return Number.parseInt(digits, 8);
  };
  if (number(148, 8) !== headerChecksum(header) || !field(257, 6).startsWith("ustar"))
    throw badArchive("a header is damaged");
  const prefix = field(345, 155);
  return {
    name: prefix === "" ? field(0, 100) : `${prefix}/${field(0, 100)}`,
    size: number(124, 12),
    type: String.fromCharCode(header[156]!),
  };
}

type PaxRecords = { path?: string; size?: number };

function parsePax(records: Buffer): PaxRecords {
  const found: PaxRecords = {};
  for (let at = 0; at < records.length; ) {
    const space = records.indexOf(32, at);
    const length = Number(records.toString("latin1", at, space));
    const [, key, value] = /^(\w+)=([\s\S]*)\n$/.exec(records.toString("utf8", space + 1, at + length)) ?? [];
    if (key === "path") found.path = value!;
    else if (key === "size" && /^\d{1,15}$/.test(value!)) found.size = Number(value);
    else throw badArchive("a header has records that ccr does not write");
    at += length;
  }
  return found;
}
