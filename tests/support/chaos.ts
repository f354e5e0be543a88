// Kills the helper at random points of its work, again and again, and looks each time at what is left:
// no transcript lost or torn, no half archive under its final name, and the next run finishes the work.
// `npm run chaos [kills] [seed]`

import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { filesIn, sha256, transcript } from "./archives.ts";
import { type Home, makeHome } from "./home.ts";
import { bundle, ccr } from "./program.ts";
import { Random } from "./random.ts";

interface Job {
  name: string;
  /** what a run starts from, unless the last one was killed and is to be finished */
  reset(): Promise<void> | void;
  words: string[];
  home: string;
  /** throws when something was lost; after every end, by kill or not */
  check(): void;
  /** throws when the work is not done; after a run that ended by itself */
  finished(): void;
  /** what a run that ended by itself may exit with */
  exits?: number[];
}

export interface Report {
  kills: number;
  finished: number;
  jobs: Record<string, number>;
}

const TURNS = [4, 40, 400, 1500];
const IDS = TURNS.map((_, n) => `${String(n).repeat(8)}-1111-4222-8333-cccccccccccc`);

export async function chaos(kills: number, seed: number, only: readonly string[] = []): Promise<Report> {
  const world = makeHome("ccr-chaos-");
  try {
    return await new Chaos(world, seed).run(kills, only);
  } finally {
    await world.remove();
  }
}

/** Transcripts of a home by their ids. */
function transcriptsIn(home: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [path, text] of Object.entries(filesIn(join(home, ".claude/projects")))) {
    const id = /^[^/]+\/([0-9a-f-]{36})\.jsonl$/.exec(path)?.[1];
    if (id) found.set(id, text);
  }
  return found;
}

/** Files of an archive, read by other code than the helper's; throws for a half one. */
function unpacked(path: string): Map<string, Buffer> {
  const bytes = gunzipSync(readFileSync(path));
  const files = new Map<string, Buffer>();
  for (let at = 0; bytes[at] !== 0; ) {
    const text = (from: number, length: number) =>
      bytes.toString("latin1", at + from, at + from + length).split("\0", 1)[0]!;
    const size = Number.parseInt(text(124, 12), 8);
    files.set(text(0, 100), bytes.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
    if (at > bytes.length - 1024) throw new Error(`${path} has no end`);
  }
  const { files: listed } = JSON.parse(files.get("manifest.json")!.toString());
  for (const { name, sha256: sum } of listed)
    if (sha256(files.get(name)!) !== sum) throw new Error(`${name} in ${path} is not what it says`);
  if (listed.length !== files.size - 1) throw new Error(`${path} has other files than it lists`);
  return files;
}

function same(what: string, found: unknown, expected: unknown): void {
  if (found === expected || JSON.stringify(found) === JSON.stringify(expected)) return;
  const short = (value: unknown) => JSON.stringify(value)?.slice(0, 300);
  throw new Error(`${what}: ${short(found)} instead of ${short(expected)}`);
}

class Chaos {
  readonly #world: Home;
  readonly #random: Random;

  constructor(world: Home, seed: number) {
    this.#world = world;
    this.#random = new Random(seed);
  }

  #path(...names: string[]): string {
    return join(this.#world.around, ...names);
  }

  /** A home with all sessions; `share` of the turns of each. */
  #home(name: string, share = 1): string {
    const home = this.#path(name);
    rmSync(home, { recursive: true, force: true });
    const project = this.#path("project");
    const folder = join(home, ".claude/projects", project.replace(/[^A-Za-z0-9]/g, "-"));
    mkdirSync(folder, { recursive: true });
    mkdirSync(project, { recursive: true });
    let history = "";
    for (const [n, id] of IDS.entries()) {
      const own = join(folder, id);
      writeFileSync(`${own}.jsonl`, transcript(project, id, Math.ceil(TURNS[n]! * share)));
      mkdirSync(join(own, "subagents"), { recursive: true });
      writeFileSync(join(own, "subagents/agent-1.jsonl"), transcript(project, id, 20));
      mkdirSync(join(own, "tool-results"));
      writeFileSync(join(own, "tool-results/a.txt"), "a result\n".repeat(20_000));
      mkdirSync(join(home, ".claude/file-history", id), { recursive: true });
      writeFileSync(join(home, ".claude/file-history", id, "f@v1"), "old");
      for (let i = 0; i < 50; i++)
        history += `${JSON.stringify({ display: `prompt ${i}`, timestamp: 1_760_000_000_000 + i, project, sessionId: id })}\n`;
    }
    writeFileSync(join(home, ".claude/history.jsonl"), history);
    return home;
  }

  /** Runs the helper; killed after `after` ms, unless it has ended. The exit status, null when it was killed. */
  #run(
    home: string,
    words: readonly string[],
    after?: number,
  ): Promise<{ status: number | null; err: string }> {
    const env = { ...this.#world.env, HOME: home };
    const child = spawn(process.execPath, [bundle, ...words], {
      env,
      cwd: home,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let err = "";
    child.stderr.on("data", (data) => {
      err += data;
    });
    const timer = after === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), after);
    return new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (status) => {
        clearTimeout(timer);
        resolve({ status, err });
      });
    });
  }

  async #done(home: string, words: readonly string[]): Promise<void> {
    const { status, err } = await this.#run(home, words);
    if (status !== 0) throw new Error(`ccr ${words.join(" ")}: ${status} ${err}`);
  }

  async #jobs(): Promise<Job[]> {
    const source = this.#home("source");
    const original = transcriptsIn(source);
    const all = filesIn(join(source, ".claude"));
    const target = this.#path("elsewhere");
    mkdirSync(target);
    const map = ["--map", `${this.#path("project")}=${target}`];
    const [archive, short] = [this.#path("all.tar.gz"), this.#path("short.tar.gz")];
    await this.#done(source, ["export", "--all", archive]);
    const shorter = this.#home("shorter", 0.5);
    await this.#done(shorter, ["export", "--all", short]);

    // What homes look like when nobody was killed.
    const clean = this.#path("clean");
    mkdirSync(clean);
    await this.#done(clean, ["import", short, ...map]);
    const before = transcriptsIn(clean);
    const whole = this.#path("whole");
    mkdirSync(whole);
    await this.#done(whole, ["import", archive, ...map]);
    const after = filesIn(join(whole, ".claude"));
    const arrived = transcriptsIn(whole);

    const empty = (name: string) => {
      rmSync(this.#path(name), { recursive: true, force: true });
      mkdirSync(this.#path(name));
    };
    const oneOf = (home: string, ...states: ReadonlyMap<string, string>[]) => {
      for (const [id, text] of transcriptsIn(home))
        if (!states.some((state) => state.get(id) === text)) throw new Error(`${id} in ${home} is torn`);
    };
    const nothingLeft = (directory: string) => {
      const left = readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) =>
        /^\.ccr-h/.test(basename(name)),
      );
      same(`left in ${directory}`, left, []);
    };

    const [exported, copied, grown, kept, shot, rolled, synced] = [
      "exported",
      "copied",
      "grown",
      "kept",
      "shot",
      "rolled",
      "synced",
    ].map((name) => this.#path(name)) as [string, string, string, string, string, string, string];
    const file = join(exported, "a.tar.gz");
    const archives = join(kept, "archives");
    const jobs: Job[] = [
      {
        name: "export",
        reset: () => empty("exported"),
        home: source,
        words: ["export", "--all", file],
        // It may have got its name just before the kill.
        exits: [0, 1],
        check: () => {
          same("the source", filesIn(join(source, ".claude")), all);
          if (!existsSync(file)) return;
          const files = unpacked(file);
          for (const [id, text] of original)
            same(id, files.get(`${id}/transcript.jsonl`)?.toString("latin1"), text);
        },
        finished: () => {
          if (!existsSync(file)) throw new Error("no archive");
          nothingLeft(exported);
        },
      },
      {
        name: "import",
        reset: () => empty("copied"),
        home: copied,
        words: ["import", archive, ...map],
        check: () => oneOf(copied, arrived),
        finished: () => {
          const { "history.jsonl": lines = "", ...files } = filesIn(join(copied, ".claude"));
          const { "history.jsonl": expected = "", ...others } = after;
          same("the imported home", files, others);
          same("its history", lines.split("\n").sort(), expected.split("\n").sort());
          nothingLeft(join(copied, ".claude"));
        },
      },
      {
        name: "import --update",
        reset: () => {
          rmSync(grown, { recursive: true, force: true });
          cpSync(clean, grown, { recursive: true });
        },
        home: grown,
        words: ["import", archive, ...map, "--update"],
        check: () => {
          oneOf(grown, before, arrived);
          same("sessions", [...transcriptsIn(grown).keys()].sort(), [...before.keys()].sort());
        },
        finished: () => oneOf(grown, arrived),
      },
      {
        name: "archive --delete",
        reset: () => {
          empty("kept");
          cpSync(join(source, ".claude"), join(kept, ".claude"), { recursive: true });
        },
        home: kept,
        words: ["archive", "--all", "--to", archives, "--delete"],
        check: () => {
          oneOf(kept, original);
          const here = transcriptsIn(kept);
          const files = new Map(
            existsSync(archives)
              ? readdirSync(archives)
                  .filter((name) => name.endsWith(".tar.gz"))
                  .flatMap((name) => [...unpacked(join(archives, name))])
              : [],
          );
          for (const [id, text] of original)
            if (!here.has(id)) same(id, files.get(`${id}/transcript.jsonl`)?.toString("latin1"), text);
        },
        finished: () => {
          same("sessions left", [...transcriptsIn(kept).keys()], []);
          same("archives", readdirSync(archives).length, IDS.length);
        },
      },
    ];
    const large = IDS.at(-1)!;
    const listed = (home: string): string[] => {
      const folder = join(home, ".local/state/ccr/snapshots");
      return existsSync(folder) ? readdirSync(folder) : [];
    };
    jobs.push(
      {
        name: "snapshot",
        reset: () => {
          empty("shot");
          cpSync(join(source, ".claude"), join(shot, ".claude"), { recursive: true });
        },
        home: shot,
        words: ["snapshot", large],
        check: () => same("the sessions", transcriptsIn(shot), original),
        finished: () => {
          if (listed(shot).length === 0) throw new Error("no snapshot");
        },
      },
      {
        name: "sync",
        reset: () => {
          empty("synced");
          mkdirSync(join(synced, "shared"));
          cpSync(join(source, ".claude"), join(synced, ".claude"), { recursive: true });
        },
        home: synced,
        words: ["sync", join(synced, "shared")],
        check: () => {
          oneOf(synced, original);
          same("sessions", transcriptsIn(synced).size, original.size);
          for (const [path, text] of Object.entries(filesIn(join(synced, "shared")))) {
            const id = /([0-9a-f-]{36})\.jsonl$/.exec(path)?.[1];
            if (id) same(`rows of ${path}`, uuids(text), uuids(original.get(id)!));
          }
        },
        finished: () => {
          const names = Object.keys(filesIn(join(synced, "shared")));
          same(
            "synced",
            IDS.filter((id) => names.some((name) => name.endsWith(`${id}.jsonl`))),
            IDS,
          );
        },
      },
    );
    // Both states of a session, and a snapshot of the shorter one.
    const few = transcriptsIn(shorter).get(large)!;
    const much = original.get(large)!;
    const seedHome = this.#path("seed");
    cpSync(shorter, seedHome, { recursive: true });
    await this.#done(seedHome, ["snapshot", large, "-m", "short"]);
    const own = join(
      ".claude/projects",
      this.#path("project").replace(/[^A-Za-z0-9]/g, "-"),
      `${large}.jsonl`,
    );
    writeFileSync(join(seedHome, own), much);
    const { out } = await ccr(this.#world, ["snapshots", "--json"], { env: { HOME: seedHome } });
    const [{ id: goal }] = JSON.parse(out).snapshots;
    jobs.push({
      name: "rollback",
      reset: () => {
        rmSync(rolled, { recursive: true, force: true });
        cpSync(seedHome, rolled, { recursive: true });
      },
      home: rolled,
      words: ["rollback", large, goal],
      check: () => {
        const text = readFileSync(join(rolled, own), "latin1");
        if (text !== few && text !== much) throw new Error("the session is torn");
      },
      finished: () => same("rolled back", readFileSync(join(rolled, own), "latin1") === few, true),
    });
    return jobs;
  }

  async run(kills: number, only: readonly string[]): Promise<Report> {
    const jobs = (await this.#jobs()).filter(({ name }) => only.length === 0 || only.includes(name));
    const report: Report = { kills: 0, finished: 0, jobs: {} };
    const lasts = new Map<string, number>();
    const ended = async (job: Job): Promise<void> => {
      const start = Date.now();
      const { status, err } = await this.#run(job.home, job.words);
      lasts.set(job.name, Date.now() - start);
      if (!(job.exits ?? [0]).includes(status ?? -1))
        throw new Error(`${job.name} ended with ${status}: ${err}`);
      job.check();
      job.finished();
      report.finished++;
    };
    for (const job of jobs) {
      await job.reset();
      await ended(job);
    }
    for (let n = 0; report.kills < kills; n++) {
      const job = jobs[n % jobs.length]!;
      await job.reset();
      // Often killed again while it goes on.
      for (let again = 0; again < 3; again++) {
        const most = lasts.get(job.name)!;
        const { status, err } = await this.#run(
          job.home,
          job.words,
          (most * this.#random.below(1000)) / 1000,
        );
        if (status !== null && !(job.exits ?? [0]).includes(status))
          throw new Error(`${job.name} ended with ${status} after a kill: ${err}`);
        try {
          job.check();
        } catch (error) {
          throw new Error(`${job.name}, kill ${report.kills + 1}: ${(error as Error).message}`);
        }
        if (status !== null) break;
        report.kills++;
        report.jobs[job.name] = (report.jobs[job.name] ?? 0) + 1;
        if (this.#random.chance(40)) break;
      }
      if (this.#random.chance(50)) await ended(job);
    }
    return report;
  }
}

const uuids = (text: string): string[] =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line).uuid);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [kills = 1000, seed = Date.now() % 1_000_000] = process.argv.slice(2).map(Number);
  const started = Date.now();
  console.log(`seed ${seed}`);
  const { finished, jobs, ...rest } = await chaos(kills, seed, process.argv.slice(4));
  const each = Object.entries(jobs).map(([name, count]) => `${name} ${count}`);
  console.log(
    `${rest.kills} kills in ${Math.round((Date.now() - started) / 1000)} s (${each.join(", ")}), finished ${finished} times: nothing lost, nothing torn`,
  );
}
