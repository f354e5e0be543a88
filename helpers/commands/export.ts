import { resolve } from "node:path";
import { archiveName } from "../archive/collect.ts";
import { exportFile, exportTo } from "../archive/export.ts";
import { archiveOptions, chooseSessions, SESSION_FLAGS } from "../cli/choose-sessions.ts";
import { type Call, type Command, isSet, stringFlag } from "../cli/command.ts";
import { usageError } from "../cli/usage-error.ts";
import { Redactor, redactionSummary } from "../redact/redactor.ts";
import type { Entry } from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { plural, size } from "../terminal/amount.ts";
import { json } from "../terminal/json.ts";
import { isTerminal, writeStderr, writeStdout } from "../terminal/output.ts";

/** What an argument looks like that is a file and not a session. */
const FILE = /^-$|\/|\.(?:tar\.gz|tgz|md|html|json)$/;

export const exportSessions: Command = {
  usage: "export <session…> [file] [flags]",
  description:
    "Exports sessions to one file that ccr-import reads on any machine. It has the transcripts with subagents and tool results, files for /rewind, todos, plans and lines of the history, but never credentials or settings. The archive is verified before it gets its name. An argument with a / or ending in .tar.gz is the file; - is stdout.",
  flags: {
    ...SESSION_FLAGS,
    force: { type: "boolean", description: "replace an existing file" },
    format: {
      type: "string",
      value: "name",
      description: "archive (default), or a page to read: md, html, json",
      completes: ["archive", "md", "html", "json"],
    },
    redact: { type: "boolean", description: "redact secrets in an archive too" },
    "no-redact": { type: "boolean", description: "keep secrets and pictures in pages" },
  },
  positionals: "session",
  json: true,
  examples: [
    ["ccr-export 4bb6", "export to ./<project>-4bb63347.tar.gz"],
    ["ccr-export 4bb6 dae9 ~/two.tar.gz", "export two sessions to one file"],
    ["ccr-export 4bb6 --format html", "write a page to read, with secrets redacted"],
    ["ccr-export --older-than 90d old.tar.gz", "export sessions that nobody has used for 90 days"],
    ["ccr-export 4bb6 - | ssh host ccr-import - --map $PWD=/srv/app", "copy a session to another machine"],
  ],
  async run(call) {
    const words = [...call.positionals];
    const several =
      isSet(call, "all") ||
      stringFlag(call, "project") !== undefined ||
      stringFlag(call, "older-than") !== undefined;
    const named = (several || words.length > 1) && FILE.test(words.at(-1) ?? "") ? words.pop() : undefined;
    if (several && words.length > 0) {
      throw usageError(
        `unexpected argument: "${words[0]}"`,
        "name sessions or choose them with flags, not both",
      );
    }
    const entries = chooseSessions(call, words);
    const format = stringFlag(call, "format") ?? "archive";
    if (entries.length === 0) {
      if (call.json)
        json("export", { file: null, sessions: [], files: 0, bytes: 0, redacted: null }, call.warnings);
      else writeStderr("ccr: no matching sessions\n");
      return 1;
    }
    const readable = entries.filter(({ id, path, unreadable }) => {
      if (unreadable === null) return true;
      const problem = new Problem("unreadable", `cannot read ${id.slice(0, 8)} (${unreadable}): ${path}`);
      if (entries.length === 1) throw problem;
      call.warn(problem);
      return false;
    });
    if (format !== "archive")
      return (await import("../cli/export-pages.ts")).exportPages(call, readable, named, format);
    return exportArchive(call, readable, named);
  },
};

async function exportArchive(
  call: Call,
  entries: readonly Entry[],
  named: string | undefined,
): Promise<number> {
  const redactor = isSet(call, "redact") ? new Redactor() : undefined;
  const date = new Date().toISOString().slice(0, 10);
  const file = named ?? `${entries.length === 1 ? archiveName(entries[0]!) : `sessions-${date}`}.tar.gz`;
  if (file === "-") {
    if (call.json) throw usageError("- and --json both write to stdout", "name a file instead of -");
    if (isTerminal(1))
      throw usageError("refusing to write an archive to a terminal", "name a file, or use a pipe");
    await exportTo(entries, writeStdout, { ...archiveOptions(call), redactor });
    if (redactor) writeStderr(`${redactionSummary(redactor)}\n`);
    return 0;
  }
  const path = resolve(file);
  const manifest = await exportFile(entries, path, {
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
    const counts = [plural(manifest.sessions.length, "session"), plural(manifest.files.length, "file")];
    const redacted = redactor ? [redactionSummary(redactor)] : [];
    writeStdout(`${path}\n`);
    writeStderr(`${[...counts, size(bytes), ...redacted, "verified"].join(", ")}\n`);
  }
  return call.warnings.length > 0 ? 1 : 0;
}
