import { createWriteStream, mkdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { importArchive } from "../archive/import.ts";
import { type ImportOptions, type ImportOutcome, MissingDirectories } from "../archive/import-candidates.ts";
import type { PathRule } from "../archive/path-rules.ts";
import { type Command, isSet } from "../cli/command.ts";
import { nextSteps, tableLook } from "../cli/session-format.ts";
import { readContext } from "../sessions/context.ts";
import { startOf } from "../sessions/session.ts";
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

export const importSessions: Command = {
  usage: "import <archive…> [flags]",
  description:
    "Brings the sessions of archives into this home, after all of each archive was checked. Paths are mapped in the fields of its rows, never in text. Nothing is overwritten: a session that is here already stays, and one that is running is not touched. - reads from stdin.",
  flags: {
    map: {
      type: "string",
      value: "/old=/new",
      multiple: true,
      description: "a directory there and here; may be given again",
    },
    "missing-ok": { type: "boolean", description: "also sessions whose directory does not exist here" },
    update: { type: "boolean", description: "append what the archive has more of a session" },
    "dry-run": { type: "boolean", description: "only check, and tell what would be done" },
  },
  positionals: "file",
  json: true,
  examples: [
    ["ccr-import portfolio-com-4bb63347.tar.gz", "bring it in"],
    ["ccr-import s.tar.gz --map /home/me/app=/srv/app", "its project lies elsewhere here"],
    ["ccr-import s.tar.gz --update", "what was said elsewhere since, added here"],
  ],
  async run(call) {
    if (call.positionals.length === 0) {
      throw new Problem("usage", "which archive?", { hint: "ccr-import --help", exit: 2 });
    }
    const dryRun = isSet(call, "dry-run");
    const options: ImportOptions = {
      rules: rulesOf((call.flags.map as string[] | undefined) ?? []),
      update: isSet(call, "update"),
      allowMissing: isSet(call, "missing-ok"),
      dryRun,
      running: () => readContext().live,
      startProgress: () => progress(),
    };
    const done: ImportOutcome[] = [];
    for (const word of call.positionals) {
      const spool = word === "-" ? await spooled() : null;
      try {
        done.push(...(await importArchive(spool ? join(spool, "a") : resolve(word), options)));
      } catch (error) {
        const { kind, message, hint, exit } =
          error instanceof MissingDirectories
            ? new MissingDirectories(error.directories, proposals(error.directories))
            : problemOf(error);
        if (call.positionals.length === 1) throw new Problem(kind, message, { hint, exit });
        call.warn(new Problem(kind, `${word}: ${message}`, { hint }));
      } finally {
        if (spool) rmSync(spool, { recursive: true, force: true });
      }
    }
    const refused = done.filter(({ action }) => action === "refused");
    if (call.json) json("import", { dryRun, sessions: done }, call.warnings);
    else {
      const words = { imported: "imported", updated: "updated", here: "already here", refused: "refused" };
      const rows = done.map(({ id, title, project, action, detail }) => [
        [{ text: words[action], ...(action === "refused" ? { colour: "red" as const } : {}) }],
        id.slice(0, 8),
        clean(project ?? "-"),
        clean(detail ?? title ?? ""),
      ]);
      const look = { ...tableLook(), header: false };
      if (rows.length > 0)
        writeStdout(
          `${table([{ title: "" }, { title: "" }, { title: "", flexible: true }, { title: "", flexible: true }], rows, look).join("\n")}\n`,
        );
      if (dryRun) writeStdout(`${paint("nothing was written", "dim")}\n`);
      else if (isTerminal(1) && refused.length < done.length)
        writeStdout(
          nextSteps([`resume  ccr ${done.find(({ action }) => action !== "refused")!.id.slice(0, 8)}`]),
        );
    }
    return refused.length + call.warnings.length > 0 ? 1 : 0;
  },
};

function rulesOf(words: readonly string[]): PathRule[] {
  return words.map((word) => {
    const [, from, to] = /^(\/[^=]*)=(.+)$/.exec(word) ?? [];
    if (from === undefined || to === undefined) {
      throw new Problem("usage", `--map ${word}: it takes two directories.`, {
        hint: "like --map /home/me/app=/srv/app",
        exit: 2,
      });
    }
    return [from.replace(/(.)\/+$/, "$1"), resolve(to)];
  });
}

/** What can be typed where directories of an archive do not exist here. */
function proposals(directories: readonly string[]): string[] {
  const known = new Set([process.cwd()]);
  for (const entry of newest(transcripts(), Number.POSITIVE_INFINITY)) known.add(startOf(entry) ?? "/");
  const flags = directories.slice(0, 5).map((old) => {
    const twin = [...known].find(
      (path) => basename(path) === basename(old) && statSync(path, { throwIfNoEntry: false })?.isDirectory(),
    );
    return `--map ${quote(`${old}=${twin ?? process.cwd()}`)}`;
  });
  return [`say where it is here: ${flags.join(" ")}`, "or bring it in all the same: --missing-ok"];
}

/** Stdin in a file: an archive is read twice. What a run that was killed has left is swept by the next one. */
async function spooled(): Promise<string> {
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
