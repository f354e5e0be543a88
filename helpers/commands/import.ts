import { createWriteStream, mkdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { importArchive } from "../archive/import.ts";
import { type ImportOptions, type ImportOutcome, MissingDirectories } from "../archive/import-candidates.ts";
import type { PathRule } from "../archive/path-rules.ts";
import { type Call, type Command, isSet } from "../cli/command.ts";
import { nextSteps, tableLook } from "../cli/session-format.ts";
import { invalidValue, usageError } from "../cli/usage-error.ts";
import { readContext } from "../sessions/context.ts";
import { startDirectoryOf } from "../sessions/session.ts";
import { newest, transcripts } from "../sessions/store.ts";
import { Problem, problemOf } from "../system/problem.ts";
import { quote } from "../system/shell-quote.ts";
import { sweepTemporaryFiles, temporaryPath } from "../system/temporary-files.ts";
import { clean } from "../terminal/clean.ts";
import { paint } from "../terminal/colour.ts";
import { json } from "../terminal/json.ts";
import { isTerminal, writeStdout } from "../terminal/output.ts";
import { progress } from "../terminal/progress.ts";
import { table } from "../terminal/table.ts";

const ACTIONS = {
  imported: "imported",
  updated: "updated",
  here: "already here",
  refused: "refused",
};
/** Directories for which an error proposes a --map. */
const MAX_PROPOSALS = 5;

export const importSessions: Command = {
  usage: "import <archive…> [flags]",
  description:
    "Imports the sessions of archives into this home. Each archive is checked completely before anything is written. Paths are mapped in the fields of the transcript, never in text. Nothing is overwritten: sessions that already exist or are running stay as they are. Use - to read an archive from stdin.",
  flags: {
    map: {
      type: "string",
      value: "/old=/new",
      multiple: true,
      description: "use directory /new here for /old there; can be repeated",
    },
    "missing-ok": {
      type: "boolean",
      description: "also import sessions whose directory does not exist here",
    },
    update: { type: "boolean", description: "add newer turns of the archive to existing sessions" },
    "dry-run": { type: "boolean", description: "only check the archives and show what would be done" },
  },
  positionals: "file",
  json: true,
  examples: [
    ["ccr-import portfolio-com-4bb63347.tar.gz", "import one session"],
    ["ccr-import s.tar.gz --map /home/me/app=/srv/app", "its project has another path here"],
    ["ccr-import s.tar.gz --update", "add the turns that were made on the other machine since"],
  ],
  async run(call) {
    if (call.positionals.length === 0)
      throw usageError("missing argument: <archive>", "run: ccr-import --help");
    const dryRun = isSet(call, "dry-run");
    const options: ImportOptions = {
      rules: parseMapFlags((call.flags.map as string[] | undefined) ?? []),
      update: isSet(call, "update"),
      allowMissing: isSet(call, "missing-ok"),
      dryRun,
      running: () => readContext().live,
      startProgress: () => progress(),
    };
    const outcomes: ImportOutcome[] = [];
    for (const word of call.positionals) outcomes.push(...(await importOne(call, word, options)));
    if (call.json) json("import", { dryRun, sessions: outcomes }, call.warnings);
    else printOutcomes(outcomes, dryRun);
    const refused = outcomes.some(({ action }) => action === "refused");
    return refused || call.warnings.length > 0 ? 1 : 0;
  },
};

/** Imports one archive. With several archives an error is a warning, and the next archive follows. */
async function importOne(call: Call, word: string, options: ImportOptions): Promise<ImportOutcome[]> {
  const spool = word === "-" ? await spoolStdin() : null;
  try {
    return await importArchive(spool ? join(spool, "a") : resolve(word), options);
  } catch (error) {
    const { kind, message, hint, exit } =
      error instanceof MissingDirectories
        ? new MissingDirectories(error.directories, proposeMaps(error.directories))
        : problemOf(error);
    if (call.positionals.length === 1) throw new Problem(kind, message, { hint, exit });
    call.warn(new Problem(kind, `${word}: ${message}`, { hint }));
    return [];
  } finally {
    if (spool) rmSync(spool, { recursive: true, force: true });
  }
}

function printOutcomes(outcomes: readonly ImportOutcome[], dryRun: boolean): void {
  const rows = outcomes.map(({ id, title, project, action, detail }) => [
    [{ text: ACTIONS[action], ...(action === "refused" ? { colour: "red" as const } : {}) }],
    id.slice(0, 8),
    clean(project ?? "-"),
    clean(detail ?? title ?? ""),
  ]);
  const columns = [0, 1, 2, 3].map((i) => ({ title: "", flexible: i > 1 }));
  if (rows.length > 0) writeStdout(`${table(columns, rows, { ...tableLook(), header: false }).join("\n")}\n`);
  const first = outcomes.find(({ action }) => action !== "refused");
  if (dryRun) writeStdout(`${paint("dry run: nothing was written", "dim")}\n`);
  else if (isTerminal(1) && first) writeStdout(nextSteps([`resume  ccr ${first.id.slice(0, 8)}`]));
}

function parseMapFlags(values: readonly string[]): PathRule[] {
  return values.map((value) => {
    const [, from, to] = /^(\/[^=]*)=(.+)$/.exec(value) ?? [];
    if (from === undefined || to === undefined)
      throw invalidValue("--map", value, "two directories such as /home/me/app=/srv/app");
    return [from.replace(/(.)\/+$/, "$1"), resolve(to)];
  });
}

/** Returns hints for directories that do not exist here: a --map for each, to a directory of the same name if possible. */
function proposeMaps(directories: readonly string[]): string[] {
  const known = new Set([process.cwd()]);
  for (const entry of newest(transcripts(), Number.POSITIVE_INFINITY))
    known.add(startDirectoryOf(entry) ?? "/");
  const flags = directories.slice(0, MAX_PROPOSALS).map((old) => {
    const twin = [...known].find(
      (path) => basename(path) === basename(old) && statSync(path, { throwIfNoEntry: false })?.isDirectory(),
    );
    return `--map ${quote(`${old}=${twin ?? process.cwd()}`)}`;
  });
  return [`give its path here: ${flags.join(" ")}`, "or import it anyway: --missing-ok"];
}

/** Writes stdin to a file, because an archive is read twice. Returns its directory. A later run removes leftovers. */
async function spoolStdin(): Promise<string> {
  const { pipeline } = await import("node:stream/promises");
  sweepTemporaryFiles(tmpdir());
  const directory = temporaryPath(tmpdir());
  mkdirSync(directory, { mode: 0o700 });
  try {
    await pipeline(process.stdin, createWriteStream(join(directory, "a"), { mode: 0o600 }));
    return directory;
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}
