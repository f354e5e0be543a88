// What Node starts. The program itself lies packed in the last lines of this file, its later parts in files beside it.
// Once unpacked, its code, and what V8 made of it, are kept in the cache: compiling is most of what a short command
// would wait for.

import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Script } from "node:vm";
import { decode } from "./base91.ts";

/** Of all packed code. */
declare const CCR_HASH: string;
/** Before each packed part stand this, its number, the hash and colons. */
declare const CCR_MARK: string;

type Table = Record<string, () => unknown>;
type Main = (module: object, exports: object, require: unknown, load: unknown, filename: string) => void;
type Part = { table: Table; script: Script; file: (verb: string) => string; calls: string[] };

/** Stands for whatever is called without a verb. */
const ANY = "_";

const { env, version, arch } = process;
const [, , word = ""] = process.argv;
const parts: Part[] = [];
/** What was called, for main.ts to say: a verb and its flags. */
const run = { verb: "", call: "" };
(globalThis as Record<symbol, unknown>)[Symbol.for("ccr")] = run;

const fetch = (name: string): unknown => {
  const [, number, module] = /^ccr:(\d)\/(.*)/.exec(name) ?? [];
  if (number === undefined || module === undefined) return require(name);
  return part(Number(number)).table[module]!();
};
const load = (name: string): Promise<unknown> => Promise.resolve().then(() => fetch(name));

const base = env.XDG_CACHE_HOME?.startsWith("/") ? env.XDG_CACHE_HOME : env.HOME && join(env.HOME, ".cache");
// What is to be taken out of a home is not put there meanwhile.
const folder = base && word !== "uninstall" ? join(base, "ccr") : "";
part(0);

function part(number: number): Part {
  const known = parts[number];
  if (known) return known;
  const name = `code-${CCR_HASH}-${number}`;
  let code = kept(`${name}.js`)?.toString("latin1");
  if (!code) {
    code = unpack(number);
    prepare();
    keep(`${name}.js`, Buffer.from(code, "latin1"));
  }
  const file = (verb: string): string => `${name}-${version}-${arch}-${verb}.bin`;
  const compiled = (/^[a-z-]{2,20}$/.test(word) && kept(file(word))) || kept(file(ANY));
  const head = compiled ? compiled.indexOf(10) : -1;
  const script = new Script(code, {
    filename: `${__filename}:${number}`,
    ...(head < 0 ? {} : { cachedData: compiled!.subarray(head + 1) }),
  });
  const calls = head < 0 || script.cachedDataRejected ? [] : compiled!.toString("latin1", 0, head).split(",");
  const made: Part = { table: {}, script, file, calls };
  parts[number] = made;
  const module = { exports: made.table };
  (script.runInThisContext() as Main)(module, module.exports, fetch, load, __filename);
  made.table = module.exports;
  return made;
}

// A function is compiled when it is first called: after a few calls of each kind everything that they need is there.
process.on("exit", () => {
  if (!run.call || !mine()) return;
  for (const { script, file, calls } of parts.filter(Boolean)) {
    const times = calls.filter((call) => call === run.call).length;
    if (times > 2 || calls.length > 300) continue;
    const head = Buffer.from(`${[...calls, run.call].join()}\n`);
    keep(file(run.verb === word ? word : ANY), Buffer.concat([head, script.createCachedData()]));
  }
});

function unpack(number: number): string {
  const mark = `${CCR_MARK}${number}:${CCR_HASH}:`;
  let text = readFileSync(__filename, "latin1");
  const at = text.lastIndexOf(mark);
  if (at >= 0) {
    const end = text.indexOf("\n", at);
    text = text.slice(at + mark.length, end);
  } else {
    try {
      text = readFileSync(join(__filename, `../ccr.${number}.${CCR_HASH}`), "latin1");
    } catch (error) {
      throw Object.assign(new Error((error as Error).message), { code: "CCR_PART" });
    }
  }
  const zlib: typeof import("node:zlib") = require("node:zlib");
  return zlib.brotliDecompressSync(decode(text)).toString("latin1");
}

/**
 * A file of the cache, which holds everything twice: V8 looks at no checksum, and two halves are compared in no time.
 * What is no longer whole, or may be somebody else's, is as good as not there.
 */
function kept(name: string): Buffer | undefined {
  if (!mine()) return undefined;
  try {
    const twice = readFileSync(join(folder, name));
    const half = twice.subarray(0, twice.length / 2);
    return half.length > 0 && half.equals(twice.subarray(half.length)) ? half : undefined;
  } catch {
    return undefined;
  }
}

let safe: boolean | undefined;

/** Code is only taken from a folder that nobody else can write to. */
function mine(): boolean {
  try {
    if (safe === undefined) {
      const { uid, mode } = statSync(folder);
      safe = uid === process.geteuid?.() && (mode & 0o022) === 0;
    }
    return safe;
  } catch {
    return false; // not there, or not yet
  }
}

function keep(name: string, bytes: Buffer): void {
  if (!mine()) return;
  const temporary = join(folder, `code-${Math.random().toString(36).slice(2)}.tmp`);
  try {
    writeFileSync(temporary, Buffer.concat([bytes, bytes]), { mode: 0o600, flag: "wx" });
    renameSync(temporary, join(folder, name));
  } catch {
    // A disk that is full or read-only costs time at the next start, and nothing else.
    try {
      unlinkSync(temporary);
    } catch {
      // it was not made
    }
  }
}

/** Makes the folder, and takes away what other versions, and those that were killed, left in it. */
function prepare(): void {
  try {
    // Root leaves nothing of its own in somebody's home.
    if (process.geteuid?.() === 0 && statSync(env.HOME ?? "/").uid !== 0) return;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(folder)) {
      if (!name.startsWith("code-") || name.includes(CCR_HASH)) continue;
      if (Date.now() - statSync(join(folder, name)).mtimeMs > 86_400_000) unlinkSync(join(folder, name));
    }
  } catch {
    // nothing there, or another process does the same
  }
}
