import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  rmSync,
  statfsSync,
  unlinkSync,
} from "node:fs";
import { join } from "node:path";
import { findClaude, INSTALL_HINT, olderThan, RESUMES_ANYWHERE } from "../claude/cli.ts";
import { configDirectory, projectsDirectory, stateFile } from "../claude/places.ts";
import { registryEntries } from "../claude/registry.ts";
import { object } from "../claude/rows.ts";
import { restorePlan } from "../live/restore.ts";
import { hasTmux } from "../live/tmux.ts";
import { projectFolders } from "../sessions/store.ts";
import { config } from "../system/config.ts";
import { configuration, state } from "../system/places.ts";
import { errno, Problem } from "../system/problem.ts";
import { capture } from "../system/run.ts";
import { quote } from "../system/shell-quote.ts";
import { statOrNull } from "../system/staged-file.ts";
import { HOUR } from "../system/units.ts";
import { plural, size } from "../terminal/amount.ts";
import type { Checks, Finding } from "./finding.ts";

/** The oldest Node.js that runs ccr. */
const NODE = [18, 19, 0] as const;
/** A difference of clocks that matters (ms). */
const MAX_SKEW = 120_000;

/** Checks of the machine and of the programs on it. */
export const machine: Checks = {
  node: async () => {
    const version = await capture("node", ["--version"]);
    return (
      version !== null &&
      olderThan(version, NODE) && {
        finding: `node on PATH is too old for ccr: ${version.trim()}`,
        evidence: `ccr needs 18.19 or newer; this one is ${process.execPath} ${process.version}`,
        fix: "install a newer Node.js (nvm install 22), then: ccr install",
      }
    );
  },

  claude: async ({ entries }) => {
    const program = findClaude();
    if (program === null)
      return { finding: "the claude program is not installed", evidence: "not on PATH", fix: INSTALL_HINT };
    const version = await capture(program, ["--version"]);
    const written = entries.find(({ facts }) => facts?.version)?.facts?.version ?? "";
    const [major = 0, minor = 0, patch = 0] = written.split(".").map(Number);
    const newer = version !== null && olderThan(version, [major, minor, patch]);
    const found: Finding[] = [];
    const fix = "claude update";
    if (version === null)
      found.push({ finding: "claude does not start", evidence: `${program} --version fails`, fix: program });
    else if (olderThan(version, RESUMES_ANYWHERE) || newer)
      found.push({
        finding: `claude is too old: ${version.trim()}`,
        evidence: newer
          ? `sessions were written by ${written}`
          : `before ${RESUMES_ANYWHERE.join(".")} a session resumes only in its start directory`,
        fix,
      });
    const output = version === null ? null : await capture(program, ["auth", "status", "--json"], 10_000);
    let status: unknown;
    try {
      status = object(JSON.parse(output ?? ""))?.loggedIn;
    } catch {
      // an older version does not have the command
    }
    if (status === false || (output === null && version !== null && !olderThan(version, RESUMES_ANYWHERE)))
      found.push({
        finding: "Claude Code is not logged in",
        evidence: `${program} auth status`,
        fix: "claude, then /login; without a browser: claude setup-token",
      });
    return found;
  },

  "not-writable": ({ now }) => {
    const path = join(projectsDirectory(), `.ccr-${process.pid}-doctor.tmp`);
    if (!statOrNull(configDirectory())) return null;
    try {
      const fd = openSync(path, "wx", 0o600);
      try {
        const skew = fstatSync(fd).mtimeMs - now;
        return (
          Math.abs(skew) > MAX_SKEW && {
            finding: "the clock of the disk differs from this machine's",
            evidence: `the time of a new file is ${Math.round(skew / 1000)} s off`,
            fix: "run on both machines and compare: date -u",
          }
        );
      } finally {
        closeSync(fd);
        unlinkSync(path);
      }
    } catch (error) {
      if (errno(error) === "ENOENT" && !statOrNull(projectsDirectory())) return null;
      return {
        finding: "Claude Code cannot save sessions, and prints no error",
        evidence: `${projectsDirectory()}: ${errno(error)}`,
        fix: `sudo chown -R "$(id -un)" ${quote(configDirectory())}; if it is mounted read-only, mount it rw`,
      };
    }
  },

  disk: ({ all }) => {
    const place = [projectsDirectory(), configDirectory(), "/"].find(existsSync)!;
    const { bavail, bsize, blocks, ffree, files } = statfsSync(place);
    const [free, total] = [bavail * bsize, blocks * bsize];
    const few = files > 0 && ffree < files / 50;
    if (!few && (free >= total / 10 || free > 2e9)) return null;
    const users = new Map<string, number>();
    for (const { folder, bytes } of all) users.set(folder, (users.get(folder) ?? 0) + bytes);
    const most = [...users].sort(([, a], [, b]) => b - a).slice(0, 3);
    return {
      finding: few ? "the volume has almost no free inodes" : "the volume is nearly full",
      evidence: `${size(free)} of ${size(total)} left; sessions: ${most.map(([name, bytes]) => `${name} ${size(bytes)}`).join(", ") || "none"}`,
      fix: "ccr-archive --older-than 30d --delete; ccr clean",
    };
  },

  "state-outside": () => {
    if (process.env.CLAUDE_CONFIG_DIR) return null;
    const [file, folder] = [stateFile(), configDirectory()].map(statOrNull);
    return (
      file &&
      folder &&
      file.dev !== folder.dev && {
        finding: ".claude.json is on another volume than ~/.claude: a rebuilt container starts without it",
        evidence: `${stateFile()} is on device ${file.dev}, ${configDirectory()} on ${folder.dev}`,
        fix: `cp ~/.claude.json ~/.claude/ && echo 'export CLAUDE_CONFIG_DIR="$HOME/.claude"' >>~/.profile`,
      }
    );
  },

  writers: () => {
    const pids = new Map<string, number[]>();
    for (const { live } of registryEntries())
      if (live?.here) pids.set(live.session, [...(pids.get(live.session) ?? []), live.pid]);
    return [...pids]
      .filter(([, two]) => two.length > 1)
      .map(([id, two]) => ({
        finding: `${two.length} processes write to session ${id.slice(0, 8)}: turns of one of them will be lost`,
        evidence: `pids ${two.join(", ")}`,
        fix: `end one of them: kill ${two.at(-1)}`,
      }));
  },

  leftovers: ({ now }) => {
    const dead = [...registryEntries()].filter((one) => one.dead).map(({ path }) => path);
    const folders = [
      configDirectory(),
      state(),
      configuration(),
      ...projectFolders().map(([, path]) => path),
    ];
    const old = folders.flatMap((folder) =>
      namesIn(folder)
        .filter((name) => /^\.ccr-.*\.tmp$|^restoring$/.test(name))
        .map((name) => join(folder, name))
        .filter((path) => now - (statOrNull(path)?.mtimeMs ?? now) > HOUR),
    );
    const paths = [...dead, ...old];
    return (
      paths.length > 0 && {
        finding: `${plural(paths.length, "lock or temporary file")} of dead processes`,
        evidence: paths[0]!,
        fix: "ccr doctor --fix",
        apply() {
          for (const path of paths) {
            rmSync(path, { recursive: true, force: true });
            const [folder, pid] = [join(path, ".."), /(\d+)\.json$/.exec(path)?.[1]];
            if (pid)
              for (const name of namesIn(folder))
                if (name.startsWith(`${pid}.`) && name.endsWith(".key"))
                  rmSync(join(folder, name), { force: true });
          }
          return `${plural(paths.length, "file")} removed`;
        },
      }
    );
  },

  tmux: async () => {
    if (!hasTmux())
      return {
        finding: "tmux is not installed: a session ends when its terminal closes",
        evidence: "not on PATH",
        fix: "sudo apt-get install tmux",
        level: "note",
      };
    const ended = (await restorePlan()).filter(({ reason }) => reason === null);
    return (
      ended.length > 0 && {
        finding: `${plural(ended.length, "tmux session")} ended with the tmux server`,
        evidence: ended.map(({ entry }) => entry.name).join(", "),
        fix: "ccr restore",
      }
    );
  },

  config: () => {
    try {
      config();
      return null;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return {
        finding: error.message.replace(/\.$/, ""),
        evidence: "every ccr command stops with this error",
        fix: error.hint.join(", or "),
      };
    }
  },
};

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
