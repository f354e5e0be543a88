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

/** Where the bytes of one file go; `end` is called when its checksum is right. */
export type MemberSink = { bytes(piece: Buffer): void; end?(): void };

/**
 * Reads an archive from its beginning to its end and checks all of it against its manifest: order, names, sizes,
 * checksums, nothing more, nothing less. `start` sees the manifest before anything else is read, and `take` says
 * where a file goes, or nothing. Throws a Problem; by then files may have been taken.
 */
export async function readArchive(
  path: string,
  options: {
    start?: (manifest: Manifest) => void;
    take?: (file: Member) => MemberSink | undefined;
    done?: (bytes: number) => void;
    /** only the manifest */
    brief?: boolean;
  } = {},
): Promise<Manifest> {
  const { createGunzip } = await import("node:zlib");
  const { createHash } = await import("node:crypto");
  const file = createReadStream(path, { highWaterMark: 1 << 16 });
  const unpacked = createGunzip({ chunkSize: 1 << 16 });
  file.on("error", (error) => unpacked.destroy(error));
  file.pipe(unpacked);
  const bytes = new ByteReader(unpacked);
  try {
    const first = await nextMember(bytes);
    if (first?.name !== MANIFEST || first.size > LARGEST_MANIFEST)
      throw badArchive("it is no archive of ccr");
    const manifest = parseManifest(await bytes.read(first.size));
    await bytes.read(padding(first.size));
    options.start?.(manifest);
    if (options.brief) return manifest;
    let all = 0;
    for (const expected of manifest.files) {
      const found = await nextMember(bytes);
      if (found?.name !== expected.name) throw badArchive(`${expected.name} is missing, or not in its place`);
      if (found.size !== expected.size)
        throw badArchive(`${expected.name} is not as large as its manifest says`);
      const taker = options.take?.(expected);
      const hash = createHash("sha256");
      for await (const piece of bytes.chunks(expected.size)) {
        hash.update(piece);
        taker?.bytes(piece);
        options.done?.((all += piece.length));
      }
      await bytes.read(padding(expected.size));
      if (hash.digest("hex") !== expected.sha256)
        throw badArchive(`the checksum of ${expected.name} is wrong`);
      taker?.end?.();
    }
    const more = await nextMember(bytes);
    if (more)
      throw badArchive(`a file in it is not in its manifest: ${JSON.stringify(more.name.slice(0, 120))}`);
    // What follows the end must be nothing, and little of it.
    for (let left = 1 << 20; ; ) {
      const piece = await bytes.readSome(left);
      if (!piece) break;
      left -= piece.length;
      if (left <= 0 || piece.some((byte) => byte !== 0)) throw badArchive("something follows its end");
    }
    return manifest;
  } catch (error) {
    const code = errno(error) ?? "";
    if (/^Z_|^ERR_/.test(code))
      throw badArchive(code === "Z_BUF_ERROR" ? "it ends too early" : "it is no gzip file, or damaged");
    if (code === "EISDIR") throw new Problem("usage", `${path} is a folder, no archive.`, { exit: 2 });
    throw error;
  } finally {
    file.destroy();
    unpacked.destroy();
  }
}
