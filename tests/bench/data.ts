// Generated data for the figures, kept outside of the repository.
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeSync,
} from "node:fs";
import { homedir, setPriority } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { root } from "../support/home.ts";

export const cacheFolder = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "ccr-dev/bench");

const SIZES = {
  s100: { flags: ["--sessions", "100"], bytes: 0.1e9 },
  s1000: { flags: ["--sessions", "1000", "--total", "1G"], bytes: 1.1e9 },
  s5000: { flags: ["--sessions", "5000", "--total", "5G"], bytes: 5.3e9 },
} as const;
export type Name = keyof typeof SIZES;

export type Manifest = {
  total: number;
  entries: { sessionId: string; end: string; needles: string[] }[];
};

/** A generated Claude directory; the same name is the same bytes. Takes a minute for the largest, once. */
export async function data(name: Name): Promise<string> {
  const directory = join(cacheFolder, name);
  if (existsSync(join(directory, "manifest.json"))) return directory;
  const { flags, bytes } = SIZES[name];
  enough(bytes);
  console.error(`generating ${name} in ${cacheFolder}: ${(bytes / 1e9).toFixed(1)} GB`);
  const part = `${directory}.${process.pid}.part`;
  rmSync(directory, { recursive: true, force: true });
  setPriority(10);
  await execa(process.execPath, [join(root, "tests/bench/gen-sessions.mjs"), "--out", part, ...flags]);
  setPriority(0);
  renameSync(part, directory);
  return directory;
}

export const manifestOf = (directory: string): Manifest =>
  JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8"));

const HUGE = 700 * 1024 * 1024;
const LONGEST = 12_800_000;

/** One session of 700 MiB in which one line has 12.8 million characters. */
export function huge(): string {
  const directory = join(cacheFolder, "huge");
  const folder = join(directory, "projects/-work-huge");
  const path = join(folder, "4bb63347-fb0d-4478-85b2-c7d1a7f248fa.jsonl");
  if (existsSync(path)) return directory;
  enough(HUGE);
  mkdirSync(folder, { recursive: true });
  const row = (type: string, content: unknown, n: number): string =>
    `${JSON.stringify({ parentUuid: null, isSidechain: false, type, message: { role: type, content }, uuid: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`, timestamp: new Date(1_760_000_000_000 + n).toISOString(), cwd: "/work/huge", version: "2.1.329" })}\n`;
  const fd = openSync(`${path}.part`, "w");
  let written = 0;
  let n = 0;
  const write = (text: string): void => {
    written += writeSync(fd, text);
  };
  write(row("user", "why is this session so large", n++));
  write(row("user", `a log: ${"lorem ipsum ".repeat(LONGEST / 12)}zyzzyvaquartz`, n++));
  const result = [
    { type: "tool_result", tool_use_id: "toolu_01", content: "const value = await load();\\n".repeat(800) },
  ];
  while (written < HUGE) {
    for (let i = 0; i < 40; i++) write(row("user", result, n++));
    write(row("assistant", [{ type: "text", text: "That is a large log, I read on." }], n++));
  }
  closeSync(fd);
  renameSync(`${path}.part`, path);
  return directory;
}

function enough(bytes: number): void {
  mkdirSync(cacheFolder, { recursive: true });
  const { bavail, bsize } = statfsSync(cacheFolder);
  if (bavail * bsize < bytes * 1.5)
    throw new Error(
      `${cacheFolder} has no room for ${(bytes / 1e9).toFixed(1)} GB: set XDG_CACHE_HOME, or use --scale small`,
    );
}
