// npm run bench: every figure of the contract beside its yardstick, in one run, on generated data.
//
//   npm run bench                      all figures; writes docs/developing/benchmarks.md
//   npm run bench -- --scale small     a quick look at 100 sessions; writes nothing
//   npm run bench -- --only P3,P6      some figures
//   npm run bench -- --rounds 31       more rounds than usual for each
//   npm run bench -- --peers           ripgrep, fast-resume and ccusage as well

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { execa } from "execa";
import { COMMANDS } from "../../helpers/command-table.ts";
import { FLAGS } from "../../helpers/install/shim.ts";
import { buildHelper, SIZE_LIMIT } from "../../infra/tools/build-helper.ts";
import { ccusage } from "../support/ccusage.ts";
import { root } from "../support/home.ts";
import { data, huge, manifestOf } from "./data.ts";
import { compare, environment, median, once, type Pair, type Run } from "./measure.ts";
import { fastResume, nodeOf, ripgrep } from "./peers.ts";

const { values: flags } = parseArgs({
  options: {
    scale: { type: "string", default: "full" },
    only: { type: "string" },
    rounds: { type: "string" },
    peers: { type: "boolean", default: false },
  },
});
const small = flags.scale === "small";
const [load = 0] = loadavg();
const only = flags.only?.toLowerCase().split(",");

const place = mkdtempSync(join(tmpdir(), "ccr-bench-"));
process.on("exit", () => rmSync(place, { recursive: true, force: true }));
const { file: program, bytes: programBytes } = await buildHelper({ outfile: join(place, "ccr.cjs") });
const has = (command: string): boolean => COMMANDS.some(({ name }) => name === command);

type Row = {
  figure: string;
  what: string;
  bound: string;
  value: string;
  detail: string;
  pass: boolean | null;
};
const rows: Row[] = [];

function add(row: Row): void {
  rows.push(row);
  const sign = row.pass === null ? "-" : row.pass ? "pass" : "MISS";
  console.log(
    `${row.figure.padEnd(5)} ${sign.padEnd(5)} ${row.value.padStart(10)}  ${row.bound.padEnd(10)} ${row.what}  ${row.detail}`,
  );
}

const asked = (figure: string): boolean => !only || only.includes(figure.toLowerCase());
/** A measure below 40 ms swings much from round to round: it needs more of them. */
const roundsOf = (usual: number): number => Number(flags.rounds ?? (small ? Math.min(usual, 7) : usual));

async function ratio(
  figure: string,
  what: string,
  bound: number,
  own: Run,
  yardstick: Run,
  rounds: number,
  against: string,
): Promise<void> {
  const pair = await compare(own, yardstick, roundsOf(rounds));
  const row = { figure, what, bound: `≤ ${bound} ×`, ...shown(pair, against), pass: pair.ratio <= bound };
  if (against === NODE) {
    const { ratio, own: time } = await compare(
      onOlder(own),
      onOlder(yardstick),
      Math.ceil(roundsOf(rounds) / 3),
    );
    row.detail += `; on Node 20 ${ratio.toFixed(2)} ×, ${ms(time)} ms`;
  }
  add(row);
}

const ms = (time: number): string => (time < 100 ? time.toFixed(1) : time.toFixed(0));
const shown = ({ ratio, own, yardstick, low, high, rounds }: Pair, against: string) => ({
  value: `${ratio.toFixed(2)} ×`,
  detail: `${ms(own)} ms against ${ms(yardstick)} ms of ${against}, half of the rounds from ${low.toFixed(2)} to ${high.toFixed(2)}, ${rounds} rounds`,
});

/** The Node that the bounds are meant for, and an older one, which is reported beside it. */
const current = await nodeOf("24.9.0");
const older = await nodeOf("20.9.0");
const NODE = "`node -e 0`";
const bare = (program: string, ...words: string[]): Run => ({ command: [program, ...words, "-e", "0"] });
const node = bare(current);
/** The same call on the older Node, with caches of its own. */
const onOlder = ({ command: [, ...words], env, ...run }: Run): Run => ({
  ...run,
  command: [older, ...words],
  ...(env ? { env: { ...env, XDG_CACHE_HOME: `${env.XDG_CACHE_HOME}-older` } } : {}),
});
/** A call as the shim makes it: with V8's flags, and with a folder for the compiled program. */
const ccr = (
  args: string[],
  directory?: string,
  cache = join(place, "cache"),
  statuses = [0, 1, 3],
): Run => ({
  command: [current, ...FLAGS, program, ...args],
  statuses,
  env: {
    HOME: place,
    NODE_COMPILE_CACHE: join(place, "compiled"),
    XDG_CACHE_HOME: cache,
    XDG_CONFIG_HOME: join(place, "config"),
    XDG_STATE_HOME: join(place, "state"),
    ...(directory ? { CLAUDE_CONFIG_DIR: directory } : {}),
  },
});

const corpora = small
  ? { most: await data("s100"), middle: await data("s100"), least: await data("s100") }
  : { least: await data("s100"), middle: await data("s1000"), most: await data("s5000") };
const sessions = manifestOf(corpora.most).entries.length;
const RARE = small ? "flümmox" : "zyzzyvaquartz";
const idsIn = (out: string): string => {
  const found: { sessions: { id: string }[] } = JSON.parse(out);
  return found.sessions
    .map(({ id }) => id)
    .sort()
    .join();
};
const expected = (
  directory: string,
  fits: (entry: ReturnType<typeof manifestOf>["entries"][number]) => boolean,
): string =>
  manifestOf(directory)
    .entries.filter(fits)
    .map(({ sessionId }) => sessionId)
    .sort()
    .join();

const versionOf = async (program: string): Promise<string> =>
  (await execa(program, ["--version"])).stdout.slice(1);

/** A search that finds something else than the manifest says is not worth a measure. */
async function right(what: string, run: Run, answer: string): Promise<void> {
  const found = idsIn((await once(run)).out);
  if (found !== answer)
    throw new Error(
      `${what}: the answer is not the manifest's (${found.length} to ${answer.length} bytes of ids)`,
    );
}

// ---- P1, P2: start and list

if (asked("P1")) {
  await ratio("P1", "`ccr --version`", 1.25, ccr(["--version"]), node, 31, NODE);
  await ratio("P1", "`ccr --help`", 1.25, ccr(["--help"]), node, 31, NODE);
}
if (asked("P2") && has("list")) {
  const cache = join(place, "list");
  const cold: Run = {
    ...ccr(["list", "20"], corpora.most, cache),
    before: () => rmSync(cache, { recursive: true, force: true }),
  };
  await ratio(
    "P2",
    `\`ccr-list 20\`, ${sessions} sessions`,
    1.6,
    ccr(["list", "20"], corpora.most, cache),
    node,
    31,
    NODE,
  );
  const pair = await compare(cold, node, roundsOf(9));
  add({ figure: "P2", what: "the same, for the first time", bound: "", ...shown(pair, NODE), pass: null });
}

// ---- P3, P6, P7: find

if (asked("P3") && has("find")) {
  const lines = readFileSync(join(corpora.most, "history.jsonl"), "latin1").split("\n").length - 1;
  const what = `\`ccr-find --prompts\`, ${lines} lines of history`;
  await ratio("P3", what, 2, ccr(["find", "--prompts", RARE], corpora.most), node, 31, NODE);
}
if (asked("P6") && has("find")) {
  const rg = await ripgrep();
  const grep = (word: string, directory: string): Run => ({
    command: [rg, "-l", "-i", "-F", word, join(directory, "projects")],
    statuses: [0, 1],
  });
  for (const [name, directory, bound, rounds] of [
    ["5 GB", corpora.most, 1.3, 9],
    ["1 GB", corpora.middle, 1.8, 15],
  ] as const) {
    if (small && name === "1 GB") continue;
    const size = small ? "90 MB" : name;
    const limit = small ? 4 : bound;
    const cache = join(place, "cold");
    const cold = (word: string): Run => ({
      ...ccr(["find", word], directory, cache),
      before: () => rmSync(cache, { recursive: true, force: true }),
    });
    const holds = (word: string): string => expected(directory, ({ needles }) => needles.includes(word));
    for (const word of ["flümmox", "payment gateway", RARE])
      await right(`find ${word}`, ccr(["find", "--json", word], directory, cache), holds(word));
    await ratio(
      "P6",
      `\`ccr-find\` of a rare word, ${size}, nothing cached`,
      limit,
      cold(RARE),
      grep(RARE, directory),
      rounds,
      "`rg -l -i -F`",
    );
    const none = await compare(
      ccr(["find", RARE], directory, "/dev/null"),
      grep(RARE, directory),
      roundsOf(rounds),
    );
    add({
      figure: "P6",
      what: "the same where no cache can be written",
      bound: "",
      ...shown(none, "`rg -l -i -F`"),
      pass: null,
    });
    const fill = await compare(cold(RARE), ccr(["find", RARE], directory, "/dev/null"), roundsOf(rounds));
    add({
      figure: "P6",
      what: "what filling the cache costs a search",
      bound: "≤ 1.15 ×",
      ...shown(fill, "the same without a cache"),
      pass: fill.ratio <= 1.15,
    });
    await ratio(
      "P6c",
      `a JSON key (\`parentUuid\`), ${size}`,
      2,
      ccr(["find", "parentUuid"], directory, "/dev/null"),
      ccr(["find", RARE], directory, "/dev/null"),
      Math.min(rounds, 7),
      "a rare word",
    );
  }
}
if (asked("P6w") && has("find")) {
  for (const [directory, bound] of [
    [corpora.most, 2.6],
    [corpora.middle, 2],
  ] as const) {
    const cache = join(place, `warm-${bound}`);
    const runs = await warm(directory, cache);
    const count = manifestOf(directory).entries.length;
    const holds = expected(directory, ({ needles }) => needles.includes(RARE));
    await right("warm find", ccr(["find", "--json", RARE], directory, cache), holds);
    await ratio(
      "P6w",
      `\`ccr-find\` with its cache, ${count} sessions (warm after ${runs} searches)`,
      bound,
      ccr(["find", RARE], directory, cache),
      node,
      31,
      NODE,
    );
    if (small) break;
  }
}
if (asked("P7") && has("find")) {
  await ratio(
    "P7",
    "`ccr-find` of a common word, the 20 newest",
    4.5,
    ccr(["find", "the", "--limit", "20"], corpora.most, "/dev/null"),
    node,
    31,
    NODE,
  );
}

/** Searches until the cache grows no more; gives how many searches that took. */
async function warm(directory: string, cache: string): Promise<number> {
  const size = (): number =>
    existsSync(cache)
      ? readdirSync(cache, { recursive: true, encoding: "utf8" }).reduce(
          (sum, name) => sum + statSync(join(cache, name)).size,
          0,
        )
      : 0;
  for (let runs = 1, before = -1; ; runs++) {
    await once(ccr(["find", "nothing of this kind"], directory, cache));
    if (size() === before) return runs - 1;
    before = size();
  }
}

// ---- P4, P5: limits

if (asked("P4") && has("check-limits")) {
  // The data ends on 31 January 2026, and is to look as if that were today.
  const clock = join(place, "clock.cjs");
  writeFileSync(
    clock,
    `const shift=Date.now()-${Date.UTC(2026, 0, 31, 12)},now=Date.now;Date.now=()=>now()-shift;`,
  );
  const { command, ...run } = ccr(["check-limits"], corpora.most);
  const own: Run = { ...run, command: [command[0]!, "-r", clock, ...command.slice(1)] };
  await ratio(
    "P4",
    `\`ccr-check-limits\`, the last 7 days of ${sessions} sessions`,
    4,
    own,
    bare(current, "-r", clock),
    21,
    NODE,
  );
}
if (asked("P5") && has("check-limits")) {
  const limited = expected(corpora.most, ({ end }) => end === "limited");
  await right("check-limits --all", ccr(["check-limits", "--all", "--json"], corpora.most), limited);
  await ratio(
    "P5",
    `\`ccr-check-limits --all\`: the manifest's ${limited.split(",").length} sessions`,
    6.5,
    ccr(["check-limits", "--all"], corpora.most),
    node,
    15,
    NODE,
  );
}

// ---- P8: statistics

if (asked("P8") && has("stats")) {
  const rg = await ripgrep();
  const cache = join(place, "stats");
  const first: Run = {
    ...ccr(["stats"], corpora.most, cache),
    before: () => rmSync(cache, { recursive: true, force: true }),
  };
  const grep: Run = {
    command: [rg, "-c", "-F", '"output_tokens":', join(corpora.most, "projects")],
    statuses: [0, 1],
  };
  await ratio(
    "P8",
    `\`ccr-stats\`, ${sessions} sessions, for the first time`,
    6,
    first,
    grep,
    5,
    "`rg -c -F`",
  );
  await ratio("P8", "the same, nothing changed", 4, ccr(["stats"], corpora.most, cache), node, 15, NODE);
}

// ---- P9: memory

if (asked("P9")) {
  // The process tells its own peak; the hook is some hundred bytes.
  const hook = join(place, "peak.cjs");
  writeFileSync(
    hook,
    'process.on("exit",()=>{if(require("worker_threads").isMainThread)require("fs").appendFileSync(process.env.PEAK,process.resourceUsage().maxRSS+"\\n")});',
  );
  const directories = { ...(small ? {} : { huge: huge() }), most: corpora.most, middle: corpora.middle };
  const commands: [command: string, args: string[]][] = [
    ["list", ["list", "20"]],
    ["find", ["find", RARE]],
    ["find", ["find", "the", "--json"]],
    ["find", ["find", "--tools", "value", "await", "--limit", "3"]],
    ["find", ["find", "--prompts", "the"]],
    ["current", ["current"]],
    ["check-limits", ["check-limits", "--all"]],
    ["stats", ["stats"]],
  ];
  for (const [command, args] of commands) {
    if (!has(command)) continue;
    let peak = 0;
    let where = "";
    for (const [name, directory] of Object.entries(directories)) {
      const cache = join(place, `memory-${name}`);
      for (let i = 0; i < 2; i++) {
        const { command, env, statuses } = ccr(args, directory, cache);
        const file = join(place, "peak");
        rmSync(file, { force: true });
        await once({
          command: [command[0]!, "-r", hook, ...command.slice(1)],
          env: { ...env!, PEAK: file },
          statuses: statuses!,
        });
        const bytes = Number(readFileSync(file, "utf8").split("\n")[0]) * 1024;
        if (bytes > peak) [peak, where] = [bytes, name];
      }
    }
    const megabytes = peak / 1e6;
    const data =
      where === "huge"
        ? "one session of 700 MiB"
        : `${manifestOf(directories[where as "most"]).entries.length} sessions`;
    add({
      figure: "P9",
      what: `peak memory of \`ccr ${args.join(" ")}\``,
      bound: "≤ 110 MB",
      value: `${megabytes.toFixed(0)} MB`,
      detail: `most on ${data}`,
      pass: megabytes <= 110,
    });
  }
}

// ---- P10, P11, P12

if (asked("P10") && has("install")) {
  const home = join(place, "home");
  await execa("mkdir", ["-p", home]);
  writeFileSync(join(home, ".bashrc"), "");
  const env = environment({ HOME: home, SHELL: "/bin/bash" });
  await execa(process.execPath, [program, "install"], { env, extendEnv: false });
  const shell = (line: string): Run => ({ command: ["bash", "--norc", "-c", line], env: { HOME: home } });
  await ratio(
    "P10",
    "`.bashrc` block",
    1.15,
    shell(`. ${join(home, ".bashrc")}; :`),
    shell(":"),
    61,
    "`bash --norc -c :`",
  );
}
if (asked("P11")) {
  add({
    figure: "P11",
    what: "the program, minified",
    bound: `≤ ${SIZE_LIMIT / 1000} kB`,
    value: `${(programBytes / 1000).toFixed(1)} kB`,
    detail: "the start scripts on the applied resource are measured by `npm test -- platform`",
    pass: programBytes <= SIZE_LIMIT,
  });
}
if (asked("P12") && has("export")) {
  const out = join(place, "all.tar.gz");
  const clear = () => rmSync(out, { force: true });
  const own: Run = { ...ccr(["export", "--all", out], corpora.least), before: clear };
  const tar: Run = { command: ["tar", "-czf", out, "-C", corpora.least, "projects"], before: clear };
  await ratio("P12", "`ccr-export` of 90 MB", 0.6, own, tar, 5, "`tar -czf`");
}

// ---- peers

if (flags.peers) {
  const rg = await ripgrep();
  const fr = await fastResume();
  const usage = await ccusage();
  const home = join(place, "peer");
  const peer = (command: string[], more: Partial<Run> = {}): Run => ({
    command,
    env: {
      HOME: home,
      CLAUDE_CONFIG_DIR: corpora.middle,
      XDG_CACHE_HOME: join(home, ".cache"),
      XDG_CONFIG_HOME: join(home, ".config"),
      XDG_DATA_HOME: join(home, ".local"),
    },
    statuses: [0, 1],
    ...more,
  });
  await execa("mkdir", ["-p", home]);
  await execa("ln", ["-sfn", corpora.middle, join(home, ".claude")]);
  const clear = () => {
    for (const name of [".cache", ".config", ".local"])
      rmSync(join(home, name), { recursive: true, force: true });
  };
  const cache = join(place, "warm-peers");
  await warm(corpora.middle, cache);
  const list: [string, Run, number][] = [
    [NODE, node, 21],
    ["ccr-find, cache warm", ccr(["find", RARE], corpora.middle, cache), 21],
    ["ccr-find, no cache", ccr(["find", RARE], corpora.middle, "/dev/null"), 9],
    ["ripgrep `-l -i -F`", peer([rg, "-l", "-i", "-F", RARE, join(corpora.middle, "projects")]), 9],
    ["fast-resume, first search", peer([fr, "--list", RARE], { before: clear }), 3],
    ["fast-resume, index warm", peer([fr, "--list", RARE]), 9],
    ["fast-resume, index warm, `--no-refresh`", peer([fr, "--list", "--no-refresh", RARE]), 9],
    ["ccusage `session --json --offline`", peer([usage, "session", "--json", "--offline"]), 3],
  ];
  if (has("stats"))
    list.push([
      "ccr-stats, nothing changed",
      ccr(["stats", "--json"], corpora.middle, join(place, "peer-stats")),
      9,
    ]);
  for (const [what, run, rounds] of list) {
    const times: number[] = [];
    for (let i = 0; i <= roundsOf(rounds); i++) times.push((await once(run)).ms);
    const time = median(times.slice(1));
    add({
      figure: "peer",
      what,
      bound: "",
      value: `${ms(time)} ms`,
      detail: `${manifestOf(corpora.middle).entries.length} sessions`,
      pass: null,
    });
  }
}

// ---- the page

const misses = rows.filter(({ pass }) => pass === false);
console.log(
  misses.length === 0 ? "every bound holds" : `missed: ${misses.map(({ figure }) => figure).join(", ")}`,
);
if (!small && !only) {
  const versions = [
    `Node ${await versionOf(current)} (and ${await versionOf(older)})`,
    (await execa("bash", ["--version"])).stdout.split("\n")[0],
    (await execa(await ripgrep(), ["--version"])).stdout.split("\n")[0],
  ];
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const page = [
    "# Benchmarks",
    "",
    "Written by `npm run bench`. Each figure is the median of the ratios of all rounds. In a round, our command and the program that",
    "it is compared with run one after the other, in random order; times are those of whole processes. The data comes from",
    "`tests/bench/gen-sessions.mjs`, which writes the same bytes for the same flags, together with the expected answers. Below 40 ms a",
    "ratio varies by a tenth from run to run, and more on a busy machine. What does not vary (files opened, bytes read) is tested in",
    "`npm test`.",
    "",
    `Measured on ${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores (${cpus()[0]?.model.trim()}), load ${load.toFixed(1)} at the start and ${loadavg()[0]!.toFixed(1)} at the end, ${versions.join(", ")}; page cache warm; \`NODE_OPTIONS\` and \`NODE_EXTRA_CA_CERTS\` unset.`,
    "",
    line(["figure", "what", "bound", "measured", "", "how"]),
    line(["---", "---", "---", "---", "---", "---"]),
    ...rows.map(({ figure, what, bound, value, detail, pass }) =>
      line([figure, what, bound, value, pass === null ? "" : pass ? "holds" : "**missed**", detail]),
    ),
    "",
  ].join("\n");
  writeFileSync(join(root, "docs/developing/benchmarks.md"), page);
}
process.exitCode = misses.length === 0 ? 0 : 1;
