import { resolve } from "node:path";
import { fileName } from "../archive/collect.ts";
import { exportFile, exportTo, type Options } from "../archive/export.ts";
import { Redactor, told } from "../redact/redactor.ts";
import { surroundings } from "../sessions/context.ts";
import { startOf } from "../sessions/session.ts";
import { type Entry, newest, timeOfEntry, transcripts } from "../sessions/store.ts";
import { smallHeap } from "../system/heap.ts";
import { Problem } from "../system/problem.ts";
import { many, size } from "../terminal/amount.ts";
import { json } from "../terminal/json.ts";
import { isTerminal, out, say } from "../terminal/output.ts";
import { progress } from "../terminal/progress.ts";
import { type Call, type Command, type Flag, on, text } from "../cli/command.ts";
import { entryNamed } from "../cli/resolve-session.ts";
import { VERSION } from "./version.ts";
import { when } from "../cli/parse-time.ts";

/** Flags that choose sessions, and {@link chosen} that follows them. */
export const CHOICE: Record<string, Flag> = {
  all: { type: "boolean", about: "all sessions" },
  project: {
    type: "string",
    value: "name",
    about: "sessions of projects whose path has this in it",
    completes: "project",
  },
  "older-than": { type: "string", value: "90d", about: "sessions that were not written to for so long" },
};

/** The sessions that words and flags choose, newest first. */
export function chosen(call: Call, words: readonly string[]): Entry[] {
  const project = text(call, "project");
  const age = text(call, "older-than");
  if (words.length > 0) {
    const named = words.map((word) => entryNamed(word));
    return named.filter(({ id }, i) => named.findIndex((other) => other.id === id) === i);
  }
  if (!on(call, "all") && project === undefined && age === undefined) {
    throw new Problem("usage", "which session?", { hint: ["ccr-list", "or all of them: --all"], exit: 2 });
  }
  const now = Date.now();
  const before = age === undefined ? Number.POSITIVE_INFINITY : 2 * now - when(age, now);
  return newest(
    transcripts(),
    Number.POSITIVE_INFINITY,
    (entry) =>
      timeOfEntry(entry) < before &&
      (project === undefined || (startOf(entry) ?? "").toLowerCase().includes(project.toLowerCase())),
  );
}

/** What every writer of archives needs. */
export const writing = (call: Call): Options => {
  const { live } = surroundings();
  return { ccr: VERSION, running: (id) => live.has(id), left: leftOut(call), watch: () => progress() };
};

/** Tells of a file that no archive takes: the rest of its session goes without it. */
export const leftOut = (call: Call) => (path: string) =>
  call.warn(new Problem("left-out", `a file with a name that cannot be kept is left out: ${path}`));

const FILE = /^-$|\/|\.(?:tar\.gz|tgz|md|html|json)$/;

export const exportSessions: Command = {
  usage: "export <session…> [file] [flags]",
  about:
    "Packs sessions into one file that ccr-import reads on any machine: the transcript with its subagents and tool results, files for /rewind, todos, plans and the history's lines. Never credentials or settings. The archive is read back before it gets its name. <file> has a / or ends in .tar.gz; - is stdout.",
  flags: {
    ...CHOICE,
    force: { type: "boolean", about: "replace a file of that name" },
    format: {
      type: "string",
      value: "name",
      about: "archive (default); md, html or json for people",
      completes: ["archive", "md", "html", "json"],
    },
    redact: { type: "boolean", about: "take secrets out of an archive too" },
    "no-redact": { type: "boolean", about: "leave secrets and pictures in what is for people" },
  },
  words: "session",
  json: true,
  examples: [
    ["ccr-export 4bb6", "into ./<project>-4bb63347.tar.gz"],
    ["ccr-export 4bb6 dae9 ~/two.tar.gz", "two sessions in one file"],
    ["ccr-export 4bb6 --format html", "a page for people, secrets redacted"],
    ["ccr-export --older-than 90d old.tar.gz", "what nobody has touched for 90 days"],
    ["ccr-export 4bb6 - | ssh host ccr-import - --map $PWD=/srv/app", "straight to another machine"],
  ],
  async run(call) {
    await smallHeap();
    const words = [...call.words];
    const several =
      on(call, "all") || text(call, "project") !== undefined || text(call, "older-than") !== undefined;
    const named = (several || words.length > 1) && FILE.test(words.at(-1) ?? "") ? words.pop() : undefined;
    if (several && words.length > 0) {
      throw new Problem("usage", `"${words[0]}" together with a choice by flags.`, {
        hint: "name sessions, or choose them by flags",
        exit: 2,
      });
    }
    const entries = chosen(call, words);
    const format = text(call, "format") ?? "archive";
    if (entries.length === 0) {
      if (call.json)
        json("export", { file: null, sessions: [], files: 0, bytes: 0, redacted: null }, call.warnings);
      else say("ccr: no session fits\n");
      return 1;
    }
    const readable = entries.filter(({ id, path, unreadable }) => {
      if (unreadable === null) return true;
      const problem = new Problem("unreadable", `${id.slice(0, 8)} cannot be read (${unreadable}): ${path}`);
      if (entries.length === 1) throw problem;
      call.warn(problem);
      return false;
    });
    if (format !== "archive")
      return (await import("../cli/export-pages.ts")).exportReadable(call, readable, named, format);
    const redactor = on(call, "redact") ? new Redactor() : undefined;
    const date = new Date().toISOString().slice(0, 10);
    const file = named ?? `${readable.length === 1 ? fileName(readable[0]!) : `sessions-${date}`}.tar.gz`;
    if (file === "-") {
      if (call.json || isTerminal(1)) {
        throw new Problem(
          "usage",
          call.json ? "- and --json both want stdout." : "an archive is no text for a terminal.",
          {
            hint: "name a file, or pipe it",
            exit: 2,
          },
        );
      }
      await exportTo(readable, out, { ...writing(call), redactor });
      if (redactor) say(`${told(redactor)}\n`);
      return 0;
    }
    const path = resolve(file);
    const manifest = await exportFile(readable, path, {
      ...writing(call),
      redactor,
      force: on(call, "force"),
    });
    const bytes = manifest.files.reduce((sum, one) => sum + one.size, 0);
    if (call.json) {
      const sessions = manifest.sessions.map(({ id, project, title }) => ({ id, project, title }));
      json(
        "export",
        { file: path, sessions, files: manifest.files.length, bytes, redacted: redactor?.list() ?? null },
        call.warnings,
      );
    } else {
      out(`${path}\n`);
      say(
        `${many(manifest.sessions.length, "session")}, ${many(manifest.files.length, "file")}, ${size(bytes)}, ${redactor ? `${told(redactor)}, ` : ""}verified\n`,
      );
    }
    return call.warnings.length > 0 ? 1 : 0;
  },
};
