// `npm run try [-- [--keep] [command]]`: the template's setup script in a throwaway home, then a shell there.

import { copyFile, mkdir, readdir, stat, symlink, utimes } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { execa, type ResultPromise } from "execa";
import { prepare } from "../infra/tools/prepare.ts";
import { type Home, makeHome } from "./support/home.ts";
import { interactiveBash } from "./support/interactive.ts";
import { copySamples } from "./support/sample-sessions.ts";
import { runStartScripts } from "./support/setup-script.ts";
import { onPath } from "./support/tools.ts";

const usage = `npm run try [-- [--keep] [command]]

Sets ccr up in a throwaway home, as a Coder workspace would, with a copy of your Claude Code sessions
(samples where you have none), and opens a shell there; Ctrl-D removes it.

  npm run try                            a shell
  npm run try -- 'ccr-list 5'            one command; its exit status is passed on
  npm run try -- --keep 'ccr-list 5'     the home stays, and the last line says where
`;

/** More of the reader's own sessions than this are not copied: the newest are. */
const mostBytes = 1024 ** 3;

const words = process.argv.slice(2);
let keep = false;
while (words[0]?.startsWith("-")) {
  const flag = words.shift()!;
  if (flag === "--keep") keep = true;
  else if (flag === "--help" || flag === "-h") end(usage, 0);
  else end(`npm run try: unknown flag: ${flag}\n\n${usage}`, 2);
}
const command = words.join(" ");
const bash = onPath("bash") ?? end("npm run try: bash is needed, and is not on your PATH.\n", 1);

const home = makeHome("ccr-try-");
const stopping = new AbortController();
let child: ResultPromise | undefined;
let left: Promise<void> | undefined;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.once(signal, () => void interrupted(signal));

try {
  process.exitCode = await main(home);
} catch (error) {
  say(`npm run try: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
await leave();

async function main({ path, around, env }: Home): Promise<number> {
  Object.assign(env, { SHELL: bash, ...readersTerminal() });
  if (!process.env.TZ) delete env.TZ;
  const claude = onPath("claude");
  if (claude) await symlink(claude, join(around, "bin/claude"));

  const started = Date.now();
  await prepare();
  const setup = await runStartScripts(home, join(around, "agent"), { cancelSignal: stopping.signal });
  if (setup.exitCode !== 0) throw new Error(`a start script failed (${setup.exitCode}).\n${setup.all}`);
  for (const line of setup.all.split("\n").filter((text) => text.startsWith("warning:"))) say(line);
  const seconds = ((Date.now() - started) / 1000).toFixed(1);

  const own = await copyOwn(join(path, ".claude"));
  const sessions = own ?? `${copySamples(path).length} sample sessions`;
  say(`ccr is set up in ${path} as a workspace would do it (${seconds} s), with ${sessions}.`);

  if (command) {
    const options = { cwd: path, env, stdin: "inherit", stdout: "inherit" } as const;
    const result = await run(interactiveBash(command, "inherit", options));
    return result.exitCode ?? 1;
  }
  say(
    "Type ccr-list first, then ccr-find WORDS or ccr --help; Ctrl-D ends it" +
      (keep ? "." : " and leaves nothing behind."),
  );
  await run(execa(bash, ["-i"], { cwd: path, env, extendEnv: false, stdio: "inherit", reject: false }));
  return 0;
}

function readersTerminal(): Record<string, string> {
  const names = ["TERM", "COLORTERM", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "NO_COLOR", "FORCE_COLOR"];
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

/** Copies the reader's own sessions with their times; says how many, or null where there is none. */
async function copyOwn(to: string): Promise<string | null> {
  const from = process.env.CLAUDE_CONFIG_DIR || join(homedir(), ".claude");
  const names = await readdir(join(from, "projects"), { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  const files = await Promise.all(
    names
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        const { mtimeMs, size } = await stat(path).catch(() => ({
          mtimeMs: 0,
          size: Number.POSITIVE_INFINITY,
        }));
        return {
          path,
          mtimeMs,
          size,
          session: dirname(entry.parentPath) === join(from, "projects") && entry.name.endsWith(".jsonl"),
        };
      }),
  );
  const all = files.filter((file) => file.session).length;
  if (all === 0) return null;

  let bytes = 0;
  let copied = 0;
  for (const file of files.sort((a, b) => b.mtimeMs - a.mtimeMs)) {
    if ((bytes += file.size) > mostBytes) break;
    if ((await copy(file.path, join(to, file.path.slice(from.length)))) && file.session) copied++;
  }
  await copy(join(from, "history.jsonl"), join(to, "history.jsonl"));
  return copied < all ? `the newest ${copied} of your ${all} sessions` : `a copy of your ${all} sessions`;
}

/** False when the file went away meanwhile or cannot be read. */
async function copy(from: string, to: string): Promise<boolean> {
  try {
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    await copyFile(from, to);
    const { atime, mtime } = await stat(from);
    await utimes(to, atime, mtime);
    return true;
  } catch {
    return false;
  }
}

/** Remembers what runs, for an interrupt. */
async function run<T extends ResultPromise>(started: T): Promise<Awaited<T>> {
  child = started;
  try {
    return await started;
  } finally {
    child = undefined;
  }
}

async function interrupted(signal: NodeJS.Signals): Promise<void> {
  stopping.abort();
  const running = child;
  if (running?.pid) {
    endGroup(running.pid, "SIGHUP");
    await Promise.race([running.catch(() => {}), new Promise((resolve) => setTimeout(resolve, 2000))]);
    endGroup(running.pid, "SIGKILL");
  }
  await leave();
  process.kill(process.pid, signal);
}

/** Its whole group: an interactive bash and what was started detached lead one. */
function endGroup(pid: number, signal: NodeJS.Signals): void {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, signal);
    } catch {}
  }
}

function leave(): Promise<void> {
  left ??= keep ? stays() : home.remove();
  return left;
}

async function stays(): Promise<void> {
  say(`The home stays in ${home.path}; remove it with: rm -r ${home.around}`);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function end(message: string, status: number): never {
  (status ? process.stderr : process.stdout).write(message);
  process.exit(status);
}
