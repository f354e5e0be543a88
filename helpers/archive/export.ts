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

type Progress = (done: number, all: number) => void;
export type ExportOptions = {
  /** version of ccr */
  ccr: string;
  /** whether a session is being written */
  running: (id: string) => boolean;
  /** the sessions' lines in the history, if they are known already */
  history?: HistoryLines;
  /** replace a file of that name */
  force?: boolean;
  /** called with files that cannot be archived */
  onSkipped?: (path: string) => void;
  /** removes secrets from all files */
  redactor?: Redactor | undefined;
  /** called for each of the three passes over the data */
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
    const onProgress = options.startProgress?.();
    const { manifest, sources, bytes } = await collect(entries, {
      ...options,
      ...(onProgress ? { onProgress } : {}),
      ...(copies ? { replace: (source) => redactedCopy(source, copies, redactor) } : {}),
    });
    if (redactor) manifest.sessions = redactor.value(manifest.sessions);
    const writeProgress = options.startProgress?.();
    await writeArchive(manifest, sources, sink, (done) => writeProgress?.(done, bytes));
    return manifest;
  } finally {
    if (copies) rmSync(copies, { recursive: true, force: true });
  }
}

/**
 * Writes sessions into a new archive: to a temporary file, which is read back and compared, then renamed. Throws a Problem
 * if the file exists, unless `force` is set.
 */
export async function exportFile(
  entries: readonly Entry[],
  file: string,
  options: ExportOptions,
): Promise<Manifest> {
  const alreadyExists = (): Problem =>
    new Problem("exists", `${file} already exists`, { hint: "choose another name, or replace it: --force" });
  const directory = dirname(file);
  sweepTemporaryFiles(directory);
  if (!options.force && existsSync(file)) throw alreadyExists();
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
    await verify(path, file, manifest, options.startProgress?.());
    if (options.force) renameSync(path, file);
    else linkInto(path, file, alreadyExists);
    return manifest;
  } finally {
    rmSync(path, { force: true });
  }
}

/** Reads an archive back. Throws a Problem if it is not what was written. */
async function verify(
  path: string,
  file: string,
  manifest: Manifest,
  onProgress: Progress | undefined,
): Promise<void> {
  const all = manifest.files.reduce((sum, { size }) => sum + size, 0);
  const read = await readArchive(path, { onProgress: (done) => onProgress?.(done, all) });
  if (JSON.stringify(read) !== JSON.stringify(manifest))
    throw new Problem(
      "not-verified",
      `${file} was not written: what was read back differs from what was written`,
      { hint: "run it again; if that does not help, check the disk" },
    );
}
