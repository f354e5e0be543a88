import { closeSync, openSync, readSync } from "node:fs";
import { Problem } from "../system/problem.ts";
import { MANIFEST, type Manifest, type Member } from "./manifest.ts";
import { padding, tarHeader } from "./tar.ts";

/** Bytes of an archive are compressed in pieces of this size, each a gzip member of its own, so many at once. */
const PIECE = 4 * 1024 * 1024;
const AT_ONCE = 3;
const LEVEL = 4;

/** A file on its way into an archive: some bytes of a file, or bytes of several places in one. */
export type Source = {
  name: string;
  mtime: number;
  path: string;
  pieces: readonly (readonly [start: number, length: number])[];
};

export const sourceSize = (source: Source): number =>
  source.pieces.reduce((sum, [, length]) => sum + length, 0);

/** Reads a source into the room that `room` gives, and tells how much was read. Throws when the file has become shorter. */
function readInto(
  source: Source,
  room: () => Buffer,
  got: (bytes: Buffer) => Promise<void> | void,
): Promise<void> {
  return (async () => {
    const fd = openSync(source.path, "r");
    try {
      for (const [start, length] of source.pieces) {
        for (let at = 0; at < length; ) {
          const buffer = room();
          const n = readSync(fd, buffer, 0, Math.min(buffer.length, length - at), start + at);
          if (n === 0) throw changed(source);
          at += n;
          await got(buffer.subarray(0, n));
        }
      }
    } finally {
      closeSync(fd);
    }
  })();
}

const changed = ({ path }: Source): Problem =>
  new Problem("changed", `${path} was changed while it was read.`, { hint: "run it again" });

/** Checksum of a source; `see` is shown its bytes. */
export async function memberOf(source: Source, see: (bytes: Buffer) => void = () => {}): Promise<Member> {
  const { createHash } = await import("node:crypto");
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(sourceSize(source), 1 << 20)));
  await readInto(
    source,
    () => buffer,
    (bytes) => {
      hash.update(bytes);
      see(bytes);
    },
  );
  return { name: source.name, size: sourceSize(source), mtime: source.mtime, sha256: hash.digest("hex") };
}

/** Writes an archive to `sink`: the manifest, then the sources, which must have become what the manifest says of them. */
export async function writeArchive(
  manifest: Manifest,
  sources: readonly Source[],
  sink: (bytes: Uint8Array) => void,
  done: (bytes: number) => void = () => {},
): Promise<void> {
  const { createHash } = await import("node:crypto");
  const packer = new GzipWriter(await import("node:zlib"), sink);
  const text = Buffer.from(`${JSON.stringify(manifest, null, 1)}\n`);
  await packer.add(tarHeader(MANIFEST, text.length, Date.parse(manifest.createdAt)));
  await packer.add(text);
  await packer.add(Buffer.alloc(padding(text.length)));
  let all = 0;
  for (const [i, source] of sources.entries()) {
    const { name, size, mtime, sha256 } = manifest.files[i]!;
    await packer.add(tarHeader(name, size, mtime));
    const hash = createHash("sha256");
    await readInto(
      source,
      () => packer.room(),
      async (bytes) => {
        hash.update(bytes);
        done((all += bytes.length));
        await packer.filled(bytes.length);
      },
    );
    if (hash.digest("hex") !== sha256) throw changed(source);
    await packer.add(Buffer.alloc(padding(size)));
  }
  await packer.add(Buffer.alloc(1024));
  await packer.end();
}

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
  /** Where the next bytes may be put; then {@link filled} is told how many. */
  room(): Buffer {
    return this.#buffer.subarray(this.#used);
  }
  async filled(length: number): Promise<void> {
    this.#used += length;
    if (this.#used === PIECE) await this.#send();
  }
  async add(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const n = bytes.copy(this.room(), 0, at);
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
    // Told when its turn comes.
    piece.catch(() => {});
    this.#running.push(piece);
    if (this.#running.length >= AT_ONCE) this.#sink(await this.#running.shift()!);
    this.#buffer = this.#spare.pop() ?? Buffer.allocUnsafeSlow(PIECE);
    this.#used = 0;
  }
}
