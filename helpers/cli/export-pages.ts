import { join, resolve } from "node:path";
import { archiveName } from "../archive/collect.ts";
import { Redactor, redactionSummary } from "../redact/redactor.ts";
import type { PageHead } from "../render/page-text.ts";
import { FORMATS, type Format, renderPage } from "../render/render.ts";
import type { Entry } from "../sessions/entry.ts";
import { startDirectoryOf, titleOf } from "../sessions/session.ts";
import { Problem } from "../system/problem.ts";
import { StagedFile, statOrNull } from "../system/staged-file.ts";
import { size } from "../terminal/amount.ts";
import { json } from "../terminal/json.ts";
import { writeStderr, writeStdout } from "../terminal/output.ts";
import { progress } from "../terminal/progress.ts";
import { type Call, isSet } from "./command.ts";
import { invalidValue, usageError } from "./usage-error.ts";

/**
 * Runs `ccr export --format md|html|json`: writes one page for each session, each whole or not at all. One session goes
 * to the file `named` (`-` is stdout), several into the directory of that name. Returns the exit status.
 */
export async function exportPages(
  call: Call,
  entries: readonly Entry[],
  named: string | undefined,
  format: string,
): Promise<number> {
  if (!FORMATS.includes(format as Format)) {
    throw invalidValue(
      "--format",
      format,
      `archive, ${FORMATS.slice(0, -1).join(", ")} or ${FORMATS.at(-1)}`,
    );
  }
  const redactor = isSet(call, "no-redact") ? null : new Redactor();
  const pages = (entry: Entry): Iterable<string> =>
    renderPage(format as Format, entry.path, headOf(entry), redactor, progress());
  if (named === "-") {
    if (call.json || entries.length > 1) {
      const what = call.json ? "- and --json both write to stdout" : "- takes only one session";
      throw usageError(what, "name a file instead of -");
    }
    for (const entry of entries) for (const text of pages(entry)) writeStdout(text);
    writeStderr(`${redactionSummary(redactor)}\n`);
    return 0;
  }
  const [only] = entries.length === 1 ? entries : [];
  const target = resolve(
    named ?? (only ? `${archiveName(only)}.${format}` : `sessions-${new Date().toISOString().slice(0, 10)}`),
  );
  const written = entries.map((entry) => {
    const file = only ? target : join(target, `${archiveName(entry)}.${format}`);
    return { entry, file, bytes: write(file, pages(entry), isSet(call, "force")) };
  });
  const bytes = written.reduce((sum, one) => sum + one.bytes, 0);
  if (call.json) {
    const sessions = entries.map((entry) => ({
      id: entry.id,
      project: startDirectoryOf(entry),
      title: titleOf(entry).title,
    }));
    json(
      "export",
      { file: target, sessions, files: written.length, bytes, redacted: redactor?.list() ?? null },
      call.warnings,
    );
  } else {
    for (const { file } of written) writeStdout(`${file}\n`);
    writeStderr(`${size(bytes)}, ${redactionSummary(redactor)}\n`);
  }
  return 0;
}

const headOf = (entry: Entry): PageHead => ({
  id: entry.id,
  title: titleOf(entry).title,
  project: startDirectoryOf(entry),
  createdAt: entry.facts?.createdAt ?? null,
  updatedAt: entry.facts?.updatedAt ?? null,
});

/** Writes a file whole or not at all and returns its size. Replaces an existing file only with `force`. */
function write(file: string, texts: Iterable<string>, force: boolean): number {
  const before = statOrNull(file);
  if (before && !force) {
    throw new Problem("exists", `${file} already exists`, {
      hint: "use another name, or replace it: --force",
    });
  }
  const staged = new StagedFile(file);
  try {
    for (const text of texts) staged.write(text);
    return staged.commit(before).size;
  } finally {
    staged.discard();
  }
}
