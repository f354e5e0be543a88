// A "container" of namespaces: its own mounts, processes, host name and root, in which just that is bound which a
// devcontainer.json says. What it writes beside those mounts is gone when a command ends, as after a rebuild.

import { mkdirSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { parse } from "jsonc-parser";
import { type Home, root as here } from "./home.ts";
import { onPath } from "./tools.ts";

export interface Container {
  /** argv that runs `words` in there: for execa, or for a terminal. */
  argv(words: string[]): string[];
  /** Runs `words` in the project's folder; the environment is that of the container alone. */
  run(words: string[]): Promise<{ stdout: string; stderr: string; exitCode: number | undefined }>;
}

const FLAGS = ["--mount", "--pid", "--uts", "--fork", "--kill-child"];

/** Words that make namespaces here, as root or as anybody; the reason where neither is permitted. */
export async function namespaces(): Promise<{ argv: string[] } | { reason: string }> {
  if (!onPath("unshare")) return { reason: "unshare is missing: apt-get install util-linux" };
  const reasons: string[] = [];
  for (const more of [[], ["--user", "--map-root-user"]]) {
    const argv = ["unshare", ...more, ...FLAGS];
    const { exitCode, stderr } = await execa(
      argv[0]!,
      [...argv.slice(1), "sh", "-c", "mount -t tmpfs none /mnt && mount -t proc proc /proc"],
      { reject: false, timeout: 20_000 },
    );
    if (exitCode === 0) return { argv };
    reasons.push(stderr.trim());
  }
  return { reason: `namespaces are not permitted here: ${reasons.join("; ")}` };
}

/** What `devcontainer up` makes of the file: runs its initializeCommand on the host, substitutes, binds. */
export async function startContainer(
  home: Home,
  options: {
    argv: string[];
    file: string;
    project: string;
    workspace: string;
    userHome: string;
    /** the host's environment */
    env: Record<string, string>;
    /** what the test itself needs in there */
    more: Record<string, string>;
    programs: Record<string, string>;
  },
): Promise<Container> {
  const { env, project, workspace, userHome, programs } = options;
  const value = parse(readFileSync(options.file, "utf8"), [], { allowTrailingComma: true });
  const path = "/opt/bin:/usr/local/bin:/usr/bin:/bin";
  const filled = (text: string): string =>
    text
      .replace(/\$\{localEnv:(\w+)\}/g, (_, name) => env[name] ?? "")
      .replace(/\$\{containerEnv:PATH\}/g, path);
  if (value.initializeCommand)
    await execa("/bin/sh", ["-c", value.initializeCommand], {
      cwd: project,
      env,
      extendEnv: false,
      stdin: "ignore",
      timeout: 60_000,
    });
  const binds = (value.mounts as string[]).flatMap((mount) => {
    const fields = filled(mount).split(",");
    const field = (name: string) => fields.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
    if (field("type") !== "bind") throw new Error(`no bind mount: ${mount}`);
    return [fields.includes("readonly") ? "ro" : "rw", field("source")!, field("target")!];
  });
  const tools = Object.entries(programs).flatMap(([name, file]) => [
    "ro",
    realpathSync(file),
    `/opt/bin/${name}`,
  ]);
  const variables = Object.entries({
    PATH: path,
    HOME: userHome,
    TERM: "xterm-256color",
    LANG: "C.UTF-8",
    TZ: "UTC",
    ...options.more,
    ...value.containerEnv,
    ...value.remoteEnv,
  }).map(([name, text]) => `${name}=${filled(text as string)}`);
  const root = join(home.around, "container");
  mkdirSync(root, { recursive: true });
  const argv = (words: string[]): string[] => [
    ...options.argv,
    "sh",
    join(here, "tests/support/container.sh"),
    root,
    ...["rw", project, workspace],
    ...binds,
    ...tools,
    "--",
    "/usr/bin/env",
    "-i",
    ...variables,
    "/bin/sh",
    "-c",
    'mkdir -p "$HOME"; cd "$0" && exec "$@"',
    workspace,
    ...words,
  ];
  return {
    argv,
    async run(words) {
      const [program, ...rest] = argv(words);
      const { stdout, stderr, exitCode } = await execa(program!, rest, {
        env: { PATH: env.PATH! },
        extendEnv: false,
        cwd: "/",
        stdin: "ignore",
        reject: false,
        timeout: 120_000,
      });
      return { stdout, stderr, exitCode };
    },
  };
}
