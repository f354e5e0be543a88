import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import type { Redactor } from "../redact/redactor.ts";
import type { Entry } from "../sessions/entry.ts";
import { fileWriter, makeDirectory } from "../system/files.ts";
import { Problem } from "../system/problem.ts";
import { linkInto, sweepTemporaryFiles, temporaryPath } from "../system/temporary-files.ts";
import { collect } from "./collect.ts";
import type { HistoryLines } from "./history-lines.ts";
import type { Manifest } from "./manifest.ts";
import { readArchive } from "./read.ts";
import { redactedCopy } from "./redacted-source.ts";
import { writeArchive } from "./write.ts";

export type Progress = (done: number, all: number) => void;
export type ExportOptions = {
  ccr: string;
  running: (id: string) => boolean;
  /** where the history has their lines, if that is known already */
  history?: HistoryLines;
  /** may replace a file of that name */
  force?: boolean;
  /** is told of files that cannot be packed */
  onSkipped?: (path: string) => void;
  /** takes secrets out of what is packed */
  redactor?: Redactor | undefined;
  /** a new one for each of the three readings */
  startProgress?: () => Progress;
};

/** Writes sessions as one archive to `sink`. */
export async function exportTo(
  entries: readonly Entry[],
  sink: (bytes: Uint8Array) => void,
  options: ExportOptions,
): Promise<Manifest> {
  const { redactor } = options;
  const copies = redactor && temporaryPath(tmpdir());
  try {
    if (copies) {
      sweepTemporaryFiles(tmpdir());
      makeDirectory(copies);
    }
    const watch = options.startProgress?.();
    const { manifest, sources, bytes } = await collect(entries, {
      ...options,
      ...(watch ? { done: watch } : {}),
      ...(copies ? { clean: (one) => redactedCopy(one, copies, redactor) } : {}),
    });
    if (redactor) manifest.sessions = redactor.value(manifest.sessions);
    const watching = options.startProgress?.();
    await writeArchive(manifest, sources, sink, (done) => watching?.(done, bytes));
    return manifest;
  } finally {
    if (copies) rmSync(copies, { recursive: true, force: true });
  }
}

/**
 * Writes sessions into an archive that comes into being whole: written beside it, read back and compared, then
 * renamed. A file of that name stays, unless `force` says otherwise.
 */
export async function exportFile(
  entries: readonly Entry[],
  file: string,
  options: ExportOptions,
): Promise<Manifest> {
  const taken = (): Problem =>
    new Problem("exists", `${file} exists already.`, { hint: "take another name, or replace it: --force" });
  const directory = dirname(file);
  sweepTemporaryFiles(directory);
  if (!options.force && existsSync(file)) throw taken();
  makeDirectory(directory);
  const path = temporaryPath(directory);
  try {
    const fd = openSync(path, "wx", 0o600);
    let manifest: Manifest;
    try {
      manifest = await exportTo(entries, fileWriter(fd, file), options);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    const watch = options.startProgress?.();
    const all = manifest.files.reduce((sum, { size }) => sum + size, 0);
    const read = await readArchive(path, { done: (done) => watch?.(done, all) });
    if (JSON.stringify(read) !== JSON.stringify(manifest))
      throw new Problem(
        "not-verified",
        `${file} was not written: what was read back is not what was written.`,
      );
    if (options.force) renameSync(path, file);
    else linkInto(path, file, taken);
    return manifest;
  } finally {
    rmSync(path, { force: true });
  }
}
