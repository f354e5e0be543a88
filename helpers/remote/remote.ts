// The ccr of other machines, over ssh or coder ssh. No word of a person passes the other side's shell as it stands.

import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { writeAtomic } from "../system/files.ts";
import { configuration } from "../system/places.ts";
import { errno, Problem } from "../system/problem.ts";
import { isOnPath } from "../system/process.ts";
import { quote } from "../system/shell-quote.ts";

/** Where a ccr is reached: `coder:<workspace>`, or whatever ssh takes (`me@host`, `ssh://host:2222`, a name of its configuration). */
export type Remote = { name: string; address: string };

const file = (): string => join(configuration(), "remotes.json");

const NAME = /^\w[\w.-]*$/;
/** Nothing that begins like an option. */
const ADDRESS = /^(?:coder:\w[\w.@/-]*|(?!coder:)(?:ssh:\/\/)?[\w[:][\w.@:%[\]+-]*)$/;

/** Known targets, by name. */
export function remotes(): Remote[] {
  let known: Record<string, string> | null = {};
  try {
    known = JSON.parse(readFileSync(file(), "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new Problem("remotes", `${file()} is no JSON.`, { hint: "fix it by hand" });
    if (errno(error) !== "ENOENT") throw error;
  }
  return Object.entries(known ?? {})
    .filter(([name, address]) => NAME.test(name) && typeof address === "string" && ADDRESS.test(address))
    .map(([name, address]) => ({ name, address }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

const save = (all: readonly Remote[]): void =>
  writeAtomic(
    file(),
    `${JSON.stringify(Object.fromEntries(all.map(({ name, address }) => [name, address])), null, 2)}\n`,
  );

/** Adds a target, or gives one another address. */
export function addRemote(name: string, address: string): void {
  if (!NAME.test(name)) throw bad(`"${name}" is no name for a target: letters, digits, . _ and -.`);
  save([...remotes().filter((other) => other.name !== name), checked({ name, address })]);
}

/** Whether there was one of this name. */
export function removeRemote(name: string): boolean {
  const all = remotes();
  const others = all.filter((other) => other.name !== name);
  if (others.length < all.length) save(others);
  return others.length < all.length;
}

/** A target by its name, or by the address itself. */
export const remoteOf = (word: string): Remote =>
  remotes().find(({ name }) => name === word) ?? checked({ name: word, address: word });

function checked(remote: Remote): Remote {
  if (ADDRESS.test(remote.address)) return remote;
  throw bad(`"${remote.address}" is no address.`);
}

const bad = (message: string): Problem =>
  new Problem("target", message, {
    hint: ["ccr remote list", "ccr remote add box me@host", "ccr remote add web coder:workspace"],
    exit: 2,
  });

/**
 * The command that has a target's own ccr run some words. `terminal`: the far side gets one. `asked`: nobody is there
 * to answer a question, and a stopped workspace stays so.
 */
export function remoteCommand(
  { name, address }: Remote,
  words: readonly string[],
  how: { terminal: boolean; utf8: boolean; patience: number; asked?: boolean },
): string[] {
  const missing = `ccr is not installed on ${name}, or not for this user.`;
  const hint = "bring it there: ccr install, or a start of the workspace";
  const said = words.includes("--json")
    ? JSON.stringify({ schema: "ccr/error@1", error: { kind: "no-ccr", message: missing, hint } })
    : `ccr: ${missing}\n     ${hint}`;
  const script = [
    "PATH=$PATH:$HOME/.local/bin; export PATH",
    how.utf8 ? "LANG=${LANG:-C.UTF-8}; export LANG" : ":",
    `command -v ccr >/dev/null || { printf '%s\\n' ${quote(said)} >&2; exit 127; }`,
    ["exec ccr", ...words.map(quote)].join(" "),
  ].join("\n");
  // The login shell there may be any: it sees letters that mean the same in all of them.
  const line = `sh -c 'eval "$(echo "$0"|base64 -d)"' ${Buffer.from(script).toString("base64")}`;
  const [, workspace] = /^coder:(.*)/.exec(address) ?? [];
  const argv = workspace
    ? ["coder", "ssh", ...(how.asked ? ["--disable-autostart"] : []), workspace, "--", line]
    : [
        ...["ssh", how.terminal ? "-t" : "-T", "-o", `ConnectTimeout=${how.patience}`],
        ...(how.asked ? ["-o", "BatchMode=yes"] : []),
        ...["--", address, line],
      ];
  const [program = ""] = argv;
  if (isOnPath(program)) return argv;
  throw new Problem(`no-${program}`, `the ${program} program is not on PATH.`, {
    hint: workspace ? "your Coder server has it" : "apt-get install openssh-client",
  });
}

export type Answer = { out: string } | { error: string };

/** `limit`: ms, 0 for none. `free`: it goes on when we end, and does not hold us. */
type Patience = { limit: number; signal?: AbortSignal; free?: boolean };

/** What a target's ccr prints, or why it does not: in one line. */
export async function askRemote(
  remote: Remote,
  words: readonly string[],
  patience: Patience,
): Promise<Answer> {
  const how = { terminal: false, utf8: true, patience: Math.ceil(patience.limit / 1000), asked: true };
  try {
    return await answerOf(remoteCommand(remote, words, how), patience);
  } catch (error) {
    return { error: error instanceof Problem ? error.message : String(error) };
  }
}

/** What a program prints, or the last line of why it fails. */
export async function answerOf(
  [program = "", ...args]: readonly string[],
  { limit, signal, free }: Patience,
): Promise<Answer> {
  const { execFile } = await import("node:child_process");
  const options = {
    timeout: limit,
    killSignal: "SIGKILL",
    maxBuffer: 1 << 26,
    ...(signal && { signal }),
  } as const;
  return new Promise((resolve) => {
    const child = execFile(program, args, options, (error, out, err) => {
      const why = err.trim().split("\n").at(-1) || `${program} ended with ${error?.code ?? error?.signal}`;
      if (!error) resolve({ out: out || err });
      else resolve({ error: error.killed ? `no answer in ${Math.round(limit / 1000)} s` : reason(why) });
    });
    child.stdin?.end();
    if (free) for (const one of [child, child.stdout as Socket, child.stderr as Socket]) one.unref();
  });
}

/** The words of an error of ours, or of ssh's. */
function reason(line: string): string {
  try {
    return JSON.parse(line).error.message;
  } catch {
    return line;
  }
}
