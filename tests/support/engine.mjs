// A stand-in for `docker` that is good enough for the real `devcontainer` program: its one container is made of
// namespaces. Plain Node: it is started many times. First argument: its folder, with `engine.json`:
// { unshare: argv, enter: options, binds: [mode, source, target…], path, root }. The rest is docker's command line.

import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const [folder, ...args] = process.argv.slice(2);
const config = JSON.parse(readFileSync(join(folder, "engine.json"), "utf8"));
const file = join(folder, "container.json");
const script = fileURLToPath(new URL("container.sh", import.meta.url));
const ID = "c0ffee".repeat(10);
appendFileSync(join(folder, "log"), `${JSON.stringify(args)}\n`);

const container = () => (existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : null);
/** Values of a repeated flag, and what is left. */
function flags(words, withValue) {
  const values = {};
  let i = 0;
  for (; i < words.length && words[i].startsWith("-"); i++) {
    const [name, joined] = words[i].split(/=(.*)/s);
    (values[name] ??= []).push(withValue.includes(name) ? (joined ?? words[++i]) : true);
  }
  return { values, rest: words.slice(i) };
}

const say = (text) => {
  process.stdout.write(text);
  return 0;
};

const commands = {
  async run(words) {
    const known = ["--mount", "-e", "-l", "-a", "--entrypoint", "-u", "--name", "-w"];
    const { values, rest } = flags(words, known);
    const binds = (values["--mount"] ?? []).flatMap((mount) => {
      const fields = mount.split(",");
      const field = (...names) =>
        fields.find((one) => names.includes(one.split("=")[0]))?.replace(/^[^=]*=/, "");
      return [
        fields.includes("readonly") ? "ro" : "rw",
        field("source", "src"),
        field("target", "dst", "destination"),
      ];
    });
    const env = [`PATH=${config.path}`, "HOME=/root", ...(values["-e"] ?? [])];
    const [program, ...more] = config.unshare;
    const command = [values["--entrypoint"]?.[0] ?? "/bin/sh", ...rest.slice(1)];
    mkdirSync(config.root, { recursive: true });
    const child = spawn(
      program,
      [
        ...more,
        "sh",
        script,
        config.root,
        ...binds,
        ...config.binds,
        "--",
        "/usr/bin/env",
        "-i",
        ...env,
        ...command,
      ],
      { stdio: ["ignore", "inherit", "inherit"], detached: true },
    );
    const ended = new Promise((resolve) => child.on("exit", (code) => resolve(code ?? 1)));
    const inside = async () => {
      for (;;) {
        const [pid] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ");
        try {
          // It has its own root: all mounts are made.
          if (pid && readlinkSync(`/proc/${pid}/root`) !== "/") return Number(pid);
        } catch {
          // not yet
        }
        await sleep(20);
      }
    };
    const pid = await Promise.race([inside(), ended.then(() => 0)]);
    if (pid) {
      const labels = Object.fromEntries(
        (values["-l"] ?? []).map((label) => label.split(/=(.*)/s).slice(0, 2)),
      );
      writeFileSync(
        `${file}.tmp`,
        JSON.stringify({ pid, parent: child.pid, env, labels, mounts: values["--mount"] }),
      );
      spawnSync("mv", [`${file}.tmp`, file]);
    }
    return ended;
  },
  async exec(words) {
    const { values, rest } = flags(words, ["-u", "-e", "-w", "--user", "--env", "--workdir"]);
    const { pid, env } = container();
    const [, ...command] = rest;
    const place = (values["-w"] ?? values["--workdir"])?.[0] ?? "/";
    const argv = [
      "nsenter",
      `--target=${pid}`,
      ...config.enter,
      "--mount",
      "--pid",
      "--uts",
      "--root",
      `--wd=/proc/${pid}/root`,
    ];
    argv.push("/usr/bin/env", "-i", "TERM=xterm-256color", ...env, ...(values["-e"] ?? []));
    argv.push("/bin/sh", "-c", 'cd "$0" && exec "$@"', place, ...command);
    // With -t the program has a terminal of its own.
    const line = argv.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
    const [program, ...more] = values["-t"] ? ["script", "-qefc", line, "/dev/null"] : argv;
    const child = spawn(program, more, { stdio: "inherit" });
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
    return new Promise((resolve) => child.on("exit", (code) => resolve(code ?? 1)));
  },
  inspect(words) {
    const { rest } = flags(words, ["--type"]);
    const found = container();
    const user = { User: "root", Env: found?.env ?? [`PATH=${config.path}`] };
    const state = { Status: "running", StartedAt: "2026-01-01T00:00:00Z" };
    const one = words.includes("container")
      ? {
          Id: ID,
          Name: "/container",
          Created: "2026-01-01T00:00:00Z",
          State: state,
          Config: { Image: "image", Labels: found?.labels ?? {}, ...user },
          Mounts: [],
          NetworkSettings: { Ports: {} },
          Ports: [],
        }
      : {
          Id: "sha256:1",
          Os: "linux",
          Architecture: "amd64",
          Config: { Labels: {}, Entrypoint: null, Cmd: ["sh"], ...user },
        };
    return say(JSON.stringify(rest.map(() => one)));
  },
  ps: () => say(container() ? `${ID}\n` : ""),
  async events() {
    const end = Date.now() + 120_000;
    while (!container()) {
      if (Date.now() > end || process.ppid === 1) return 1;
      await sleep(30);
    }
    process.stdout.write(
      `${JSON.stringify({ status: "start", id: ID, Type: "container", Action: "start", Actor: { ID, Attributes: container().labels } })}\n`,
    );
    while (Date.now() < end && process.ppid !== 1) await sleep(200);
    return 0;
  },
  version: () => say("28.0.0\n"),
  "-v": () => say("Docker version 28.0.0, build 0\n"),
};

if (args.length > 0) process.exitCode = (await commands[args[0]]?.(args.slice(1))) ?? 1;
