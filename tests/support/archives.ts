// Archives of sessions made by hand, right and wrong ones, and what two homes' sessions have in common.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

export interface Piece {
  name: string;
  data?: string | Buffer;
  /** tar's letter; default a plain file */
  type?: string;
  link?: string;
  /** what the header says, where it lies */
  size?: number;
}

/** A tar of these pieces, written by other code than the helper's. */
export function tar(pieces: readonly Piece[]): Buffer {
  return Buffer.concat([...pieces.map(entry), Buffer.alloc(1024)]);
}

function entry({ name, data = "", type = "0", link = "", size }: Piece): Buffer {
  const body = Buffer.from(data);
  const header = Buffer.alloc(512);
  header.write(name, 0, 100);
  header.write("0000600\x000000000\x000000000\0", 100);
  header.write(`${(size ?? body.length).toString(8).padStart(11, "0")}\u0000${"0".repeat(11)}\0`, 124);
  header.write(`        ${type}${link}`, 148);
  header.write("ustar\u000000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}

export const ID = "aaaabbbb-1111-4222-8333-cccccccccccc";

/** One prompt and its answer. */
export const transcript = (project: string, id = ID, turns = 1): string =>
  Array.from({ length: turns }, (_, n) => {
    const row = { sessionId: id, cwd: project, version: "2.1.329", isSidechain: false };
    const at = (second: number) => new Date(Date.UTC(2026, 10, 20, 12, n, second)).toISOString();
    return [
      {
        ...row,
        type: "user",
        uuid: `u${n}`,
        parentUuid: n ? `a${n - 1}` : null,
        timestamp: at(0),
        message: { role: "user", content: `question ${n} in ${project}` },
      },
      {
        ...row,
        type: "assistant",
        uuid: `a${n}`,
        parentUuid: `u${n}`,
        timestamp: at(1),
        message: { role: "assistant", model: "m", content: [{ type: "text", text: `answer ${n}` }] },
      },
    ];
  })
    .flat()
    .map((row) => `${JSON.stringify(row)}\n`)
    .join("");

interface File {
  name: string;
  data: string | Buffer;
}

export const sha256 = (data: string | Buffer): string => createHash("sha256").update(data).digest("hex");

export function manifest(files: readonly File[], project: string, more: Record<string, unknown> = {}) {
  return {
    schema: "ccr/archive@1",
    createdAt: "2026-11-20T14:00:00.000Z",
    ccr: "1.0.0",
    home: "/home/coder",
    config: "/home/coder/.claude",
    sessions: [
      {
        id: ID,
        title: "t",
        project,
        folder: project.replace(/\W/g, "-"),
        version: null,
        createdAt: null,
        updatedAt: null,
        lines: 2,
        subagents: 0,
        prompts: 0,
      },
    ],
    files: files.map(({ name, data }) => ({
      name,
      size: Buffer.from(data).length,
      mtime: 0,
      sha256: sha256(data),
    })),
    ...more,
  };
}

/** An archive of these files; `change` may spoil the manifest, `pieces` what follows it. */
export function archiveOf(
  files: readonly File[],
  project: string,
  change: (made: ReturnType<typeof manifest>) => unknown = (made) => made,
  pieces: readonly Piece[] = files,
): Buffer {
  const text = JSON.stringify(change(manifest(files, project)));
  return gzipSync(tar([{ name: "manifest.json", data: text }, ...pieces]));
}

/** Every plain file below a directory: path → bytes. */
export function filesIn(directory: string): Record<string, string> {
  if (!existsSync(directory)) return {};
  return Object.fromEntries(
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile())
      .map((file) => join(file.parentPath, file.name))
      .sort()
      .map((path) => [path.slice(directory.length + 1), readFileSync(path, "latin1")]),
  );
}
