import { createReadStream } from "node:fs";
import { errno, Problem } from "../system/problem.ts";
import {
  badArchive,
  LARGEST_MANIFEST,
  MANIFEST,
  type Manifest,
  type Member,
  parseManifest,
} from "./manifest.ts";
import { ByteReader, nextMember, padding } from "./tar.ts";

/** Receives the bytes of one file. `end` is called once its checksum was verified. */
type MemberSink = { bytes(piece: Buffer): void; end?(): void };

export type ReadOptions = {
  /** called with the manifest before anything else is read */
  onManifest?: (manifest: Manifest) => void;
  /** says where a file's bytes go; undefined: nowhere */
  sinkFor?: (file: Member) => MemberSink | undefined;
  /** called with the number of bytes read so far */
  onProgress?: (bytes: number) => void;
};

/**
 * Reads an archive from beginning to end and checks all of it against its manifest: order, names, sizes, checksums, no
 * file too many or too few. Throws a Problem; some files may have been passed on by then.
 */
export async function readArchive(path: string, options: ReadOptions = {}): Promise<Manifest> {
  const { createGunzip } = await import("node:zlib");
  const file = createReadStream(path, { highWaterMark: 1 << 16 });
  const unpacked = createGunzip({ chunkSize: 1 << 16 });
  file.on("error", (error) => unpacked.destroy(error));
  file.pipe(unpacked);
  const bytes = new ByteReader(unpacked);
  try {
    const manifest = await readManifest(bytes);
    options.onManifest?.(manifest);
    await readMembers(bytes, manifest, options);
    await expectEnd(bytes);
    return manifest;
  } catch (error) {
    throw archiveProblem(path, error);
  } finally {
    file.destroy();
    unpacked.destroy();
  }
}

async function readManifest(bytes: ByteReader): Promise<Manifest> {
  const first = await nextMember(bytes);
  if (first?.name !== MANIFEST || first.size > LARGEST_MANIFEST) throw badArchive("it was not made by ccr");
  const manifest = parseManifest(await bytes.read(first.size));
  await bytes.read(padding(first.size));
  return manifest;
}

async function readMembers(bytes: ByteReader, manifest: Manifest, options: ReadOptions): Promise<void> {
  const { createHash } = await import("node:crypto");
  let all = 0;
  for (const expected of manifest.files) {
    const found = await nextMember(bytes);
    if (found?.name !== expected.name) throw badArchive(`${expected.name} is missing or in the wrong place`);
    if (found.size !== expected.size)
      throw badArchive(`the size of ${expected.name} differs from the manifest`);
    const sink = options.sinkFor?.(expected);
    const hash = createHash("sha256");
    for await (const piece of bytes.chunks(expected.size)) {
      hash.update(piece);
      sink?.bytes(piece);
      options.onProgress?.((all += piece.length));
    }
    await bytes.read(padding(expected.size));
    if (hash.digest("hex") !== expected.sha256) throw badArchive(`the checksum of ${expected.name} is wrong`);
    sink?.end?.();
  }
}

/** At most this many zero bytes may follow the last file. */
const MAX_END = 1 << 20;

async function expectEnd(bytes: ByteReader): Promise<void> {
  const more = await nextMember(bytes);
  if (more) throw badArchive(`a file is not in its manifest: ${JSON.stringify(more.name.slice(0, 120))}`);
  for (let left = MAX_END; ; ) {
    const piece = await bytes.readSome(left);
    if (!piece) return;
    left -= piece.length;
    if (left <= 0 || piece.some((byte) => byte !== 0)) throw badArchive("there is data after its end");
  }
}

/** Returns what to throw for an error of reading: a Problem where gzip or the path is at fault. */
function archiveProblem(path: string, error: unknown): unknown {
  const code = errno(error) ?? "";
  if (code === "Z_BUF_ERROR") return badArchive("it ends too early");
  if (/^Z_|^ERR_/.test(code)) return badArchive("it is damaged or not a gzip file");
  if (code === "EISDIR") return new Problem("usage", `${path} is a folder, not an archive`, { exit: 2 });
  return error;
}
