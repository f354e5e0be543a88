import { closeSync, openSync, readSync } from "node:fs";
import { Problem } from "../system/problem.ts";
import { MANIFEST, type Manifest, type Member } from "./manifest.ts";
import { padding, tarHeader } from "./tar.ts";

/** An archive is compressed in pieces of this many bytes, each a gzip member of its own, several in parallel. */
const PIECE = 4 * 1024 * 1024;
const PARALLEL = 3;
const LEVEL = 4;

/** What becomes a file in the archive: one or more ranges of bytes of a file on disk. */
export type Source = {
  name: string;
  mtime: number;
  path: string;
  pieces: readonly (readonly [start: number, length: number])[];
};

export const sourceSize = (source: Source): number =>
  source.pieces.reduce((sum, [, length]) => sum + length, 0);

/** Reads a source into the buffers that `nextBuffer` returns. Throws a Problem if the file has become shorter. */
async function readSource(
  source: Source,
  nextBuffer: () => Buffer,
  onRead: (bytes: Buffer) => Promise<void> | void,
): Promise<void> {
  const fd = openSync(source.path, "r");
  try {
    for (const [start, length] of source.pieces) {
      for (let at = 0; at < length; ) {
        const buffer = nextBuffer();
        const n = readSync(fd, buffer, 0, Math.min(buffer.length, length - at), start + at);
        if (n === 0) throw changed(source);
        at += n;
        await onRead(buffer.subarray(0, n));
      }
    }
  } finally {
    closeSync(fd);
  }
}

const changed = ({ path }: Source): Problem =>
  new Problem("changed", `${path} changed while it was being read`, { hint: "run it again" });

/** Reads a source and returns its entry for the manifest. Calls `onRead` with its bytes. */
export async function memberOf(source: Source, onRead: (bytes: Buffer) => void = () => {}): Promise<Member> {
  const { createHash } = await import("node:crypto");
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(sourceSize(source), 1 << 20)));
  await readSource(
    source,
    () => buffer,
    (bytes) => {
      hash.update(bytes);
      onRead(bytes);
    },
  );
  return { name: source.name, size: sourceSize(source), mtime: source.mtime, sha256: hash.digest("hex") };
}

/** Writes an archive to `sink`: the manifest, then the sources. Throws a Problem if a source is not what the manifest says. */
export async function writeArchive(
  manifest: Manifest,
  sources: readonly Source[],
  sink: (bytes: Uint8Array) => void,
  onProgress: (bytes: number) => void = () => {},
): Promise<void> {
  const { createHash } = await import("node:crypto");
  const writer = new GzipWriter(await import("node:zlib"), sink);
  const text = Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`);
  await writer.add(tarHeader(MANIFEST, text.length, Date.parse(manifest.createdAt)));
  await writer.add(text);
  await writer.add(Buffer.alloc(padding(text.length)));
  let all = 0;
  for (const [i, source] of sources.entries()) {
    const { name, size, mtime, sha256 } = manifest.files[i]!;
    await writer.add(tarHeader(name, size, mtime));
    const hash = createHash("sha256");
    await readSource(
      source,
      () => writer.free(),
      async (bytes) => {
        hash.update(bytes);
        onProgress((all += bytes.length));
        await writer.filled(bytes.length);
      },
    );
    if (hash.digest("hex") !== sha256) throw changed(source);
    await writer.add(Buffer.alloc(padding(size)));
  }
  await writer.add(Buffer.alloc(1024));
  await writer.end();
}

/** Compresses what is added, several pieces in parallel, and passes it on in order. */
class GzipWriter {
  #buffer: Buffer = Buffer.allocUnsafeSlow(PIECE);
  #used = 0;
  readonly #zlib: typeof import("node:zlib");
  readonly #sink: (bytes: Uint8Array) => void;
  readonly #running: Promise<Buffer>[] = [];
  readonly #spare: Buffer[] = [];

  constructor(zlib: typeof import("node:zlib"), sink: (bytes: Uint8Array) => void) {
    this.#zlib = zlib;
    this.#sink = sink;
  }
  /** Returns where to put the next bytes. Call {@link filled} with their number. */
  free(): Buffer {
    return this.#buffer.subarray(this.#used);
  }
  async filled(length: number): Promise<void> {
    this.#used += length;
    if (this.#used === PIECE) await this.#send();
  }
  async add(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const n = bytes.copy(this.free(), 0, at);
      at += n;
      await this.filled(n);
    }
  }
  async end(): Promise<void> {
    if (this.#used > 0) await this.#send();
    while (this.#running.length > 0) this.#sink(await this.#running.shift()!);
  }
  async #send(): Promise<void> {
    const buffer = this.#buffer;
    const piece = new Promise<Buffer>((resolve, reject) => {
      this.#zlib.gzip(buffer.subarray(0, this.#used), { level: LEVEL }, (error, packed) => {
        this.#spare.push(buffer);
        if (error) reject(error);
        else resolve(packed);
      });
    });
    // The error is thrown when the piece is awaited.
    piece.catch(() => {});
    this.#running.push(piece);
    if (this.#running.length >= PARALLEL) this.#sink(await this.#running.shift()!);
    this.#buffer = this.#spare.pop() ?? Buffer.allocUnsafeSlow(PIECE);
    this.#used = 0;
  }
}
