// Runs ccr on other machines, over ssh or coder ssh. No argument reaches the remote shell unquoted.

import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { writeAtomic } from "../system/files.ts";
import { configuration } from "../system/places.ts";
import { errno, Problem } from "../system/problem.ts";
import { isOnPath } from "../system/process.ts";
import { quote } from "../system/shell-quote.ts";

/** A remote target: `coder:<workspace>`, or any address that ssh takes (`me@host`, `ssh://host:2222`, a Host of its configuration). */
export type Remote = { name: string; address: string };

const file = (): string => join(configuration(), "remotes.json");

const NAME = /^\w[\w.-]*$/;
/** An address never begins like an option. */
const ADDRESS = /^(?:coder:\w[\w.@/-]*|(?!coder:)(?:ssh:\/\/)?[\w[:][\w.@:%[\]+-]*)$/;

/** Returns the named targets, sorted by name. */
export function remotes(): Remote[] {
  let known: Record<string, string> | null = {};
  try {
    known = JSON.parse(readFileSync(file(), "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new Problem("remotes", `${file()} is not valid JSON`, { hint: "fix it by hand" });
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

/** Adds a target, or changes its address. */
export function addRemote(name: string, address: string): void {
  if (!NAME.test(name)) throw badTarget(`invalid name "${name}": use letters, digits, ., _ and -`);
  save([...remotes().filter((other) => other.name !== name), checked({ name, address })]);
}

/** Removes a target. Returns false when there is none of this name. */
export function removeRemote(name: string): boolean {
  const all = remotes();
  const others = all.filter((other) => other.name !== name);
  if (others.length < all.length) save(others);
  return others.length < all.length;
}

/** Returns the target that a name or an address stands for. Throws a Problem for a bad address. */
export const remoteOf = (word: string): Remote =>
  remotes().find(({ name }) => name === word) ?? checked({ name: word, address: word });

function checked(remote: Remote): Remote {
  if (ADDRESS.test(remote.address)) return remote;
  throw badTarget(`invalid address: "${remote.address}"`);
}

const badTarget = (message: string): Problem =>
  new Problem("target", message, {
    hint: [
      "list targets: ccr remote list",
      "add a target: ccr remote add box me@host",
      "or a workspace: ccr remote add web coder:workspace",
    ],
    exit: 2,
  });

type RemoteOptions = {
  /** the remote ccr gets a terminal */
  terminal: boolean;
  utf8: boolean;
  /** timeout of the connection in seconds */
  connectTimeout: number;
  /** nobody is there to answer a question, and a stopped workspace is not started */
  unattended?: boolean;
};

/** Returns the command that runs the ccr of a target with these arguments. */
export function remoteCommand(
  { name, address }: Remote,
  words: readonly string[],
  options: RemoteOptions,
): string[] {
  const missing = `ccr is not installed on ${name} for this user`;
  const hint = "run ccr install there, or restart the workspace";
  const output = words.includes("--json")
    ? JSON.stringify({ schema: "ccr/error@1", error: { kind: "no-ccr", message: missing, hint } })
    : `ccr: ${missing}\n     ${hint}`;
  const script = [
    "PATH=$PATH:$HOME/.local/bin; export PATH",
    options.utf8 ? "LANG=${LANG:-C.UTF-8}; export LANG" : ":",
    `command -v ccr >/dev/null || { printf '%s\\n' ${quote(output)} >&2; exit 127; }`,
    ["exec ccr", ...words.map(quote)].join(" "),
  ].join("\n");
  // The login shell there may be any shell: it only sees letters that mean the same in all of them.
  const line = `sh -c 'eval "$(echo "$0"|base64 -d)"' ${Buffer.from(script).toString("base64")}`;
  const [, workspace] = /^coder:(.*)/.exec(address) ?? [];
  const argv = workspace
    ? ["coder", "ssh", ...(options.unattended ? ["--disable-autostart"] : []), workspace, "--", line]
    : [
        ...["ssh", options.terminal ? "-t" : "-T", "-o", `ConnectTimeout=${options.connectTimeout}`],
        ...(options.unattended ? ["-o", "BatchMode=yes"] : []),
        ...["--", address, line],
      ];
  const [program = ""] = argv;
  if (isOnPath(program)) return argv;
  throw new Problem(`no-${program}`, `the ${program} program is not on PATH`, {
    hint: workspace ? "install it from your Coder server" : "install it: apt-get install openssh-client",
  });
}

export type Answer = { out: string } | { error: string };

/** `limit`: timeout in ms, 0 for none. `free`: it does not keep this process alive, and continues when it ends. */
type AnswerOptions = { limit: number; signal?: AbortSignal; free?: boolean };

/** Returns what the ccr of a target prints, or one line on why it failed. */
export async function askRemote(
  remote: Remote,
  words: readonly string[],
  options: AnswerOptions,
): Promise<Answer> {
  const connectTimeout = Math.ceil(options.limit / 1000);
  const connection = { terminal: false, utf8: true, connectTimeout, unattended: true };
  try {
    return await answerOf(remoteCommand(remote, words, connection), options);
  } catch (error) {
    return { error: error instanceof Problem ? error.message : String(error) };
  }
}

/** Returns what a program prints, or the last line of its errors when it fails. */
export async function answerOf(
  [program = "", ...args]: readonly string[],
  { limit, signal, free }: AnswerOptions,
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

/** Returns the message of an error line: of ccr's JSON, or the line itself (ssh). */
function reason(line: string): string {
  try {
    return JSON.parse(line).error.message;
  } catch {
    return line;
  }
}
