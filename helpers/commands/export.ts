import { resolve } from "node:path";
import { archiveName } from "../archive/collect.ts";
import { exportFile, exportTo } from "../archive/export.ts";
import { archiveOptions, chooseSessions, SESSION_FLAGS } from "../cli/choose-sessions.ts";
import { type Command, isSet, stringFlag } from "../cli/command.ts";
import { Redactor, redactionSummary } from "../redact/redactor.ts";
import { Problem } from "../system/problem.ts";
import { plural, size } from "../terminal/amount.ts";
import { json } from "../terminal/json.ts";
import { isTerminal, writeStderr, writeStdout } from "../terminal/output.ts";

const FILE = /^-$|\/|\.(?:tar\.gz|tgz|md|html|json)$/;

export const exportSessions: Command = {
  usage: "export <session…> [file] [flags]",
  description:
    "Packs sessions into one file that ccr-import reads on any machine: the transcript with its subagents and tool results, files for /rewind, todos, plans and the history's lines. Never credentials or settings. The archive is read back before it gets its name. <file> has a / or ends in .tar.gz; - is stdout.",
  flags: {
    ...SESSION_FLAGS,
    force: { type: "boolean", description: "replace a file of that name" },
    format: {
      type: "string",
      value: "name",
      description: "archive (default); md, html or json for people",
      completes: ["archive", "md", "html", "json"],
    },
    redact: { type: "boolean", description: "take secrets out of an archive too" },
    "no-redact": { type: "boolean", description: "leave secrets and pictures in what is for people" },
  },
  positionals: "session",
  json: true,
  examples: [
    ["ccr-export 4bb6", "into ./<project>-4bb63347.tar.gz"],
    ["ccr-export 4bb6 dae9 ~/two.tar.gz", "two sessions in one file"],
    ["ccr-export 4bb6 --format html", "a page for people, secrets redacted"],
    ["ccr-export --older-than 90d old.tar.gz", "what nobody has touched for 90 days"],
    ["ccr-export 4bb6 - | ssh host ccr-import - --map $PWD=/srv/app", "straight to another machine"],
  ],
  async run(call) {
    const words = [...call.positionals];
    const several =
      isSet(call, "all") ||
      stringFlag(call, "project") !== undefined ||
      stringFlag(call, "older-than") !== undefined;
    const named = (several || words.length > 1) && FILE.test(words.at(-1) ?? "") ? words.pop() : undefined;
    if (several && words.length > 0) {
      throw new Problem("usage", `"${words[0]}" together with a choice by flags.`, {
        hint: "name sessions, or choose them by flags",
        exit: 2,
      });
    }
    const entries = chooseSessions(call, words);
    const format = stringFlag(call, "format") ?? "archive";
    if (entries.length === 0) {
      if (call.json)
        json("export", { file: null, sessions: [], files: 0, bytes: 0, redacted: null }, call.warnings);
      else writeStderr("ccr: no session fits\n");
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
      return (await import("../cli/export-pages.ts")).exportPages(call, readable, named, format);
    const redactor = isSet(call, "redact") ? new Redactor() : undefined;
    const date = new Date().toISOString().slice(0, 10);
    const file = named ?? `${readable.length === 1 ? archiveName(readable[0]!) : `sessions-${date}`}.tar.gz`;
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
      await exportTo(readable, writeStdout, { ...archiveOptions(call), redactor });
      if (redactor) writeStderr(`${redactionSummary(redactor)}\n`);
      return 0;
    }
    const path = resolve(file);
    const manifest = await exportFile(readable, path, {
      ...archiveOptions(call),
      redactor,
      force: isSet(call, "force"),
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
      writeStdout(`${path}\n`);
      writeStderr(
        `${plural(manifest.sessions.length, "session")}, ${plural(manifest.files.length, "file")}, ${size(bytes)}, ${redactor ? `${redactionSummary(redactor)}, ` : ""}verified\n`,
      );
    }
    return call.warnings.length > 0 ? 1 : 0;
  },
};
