import { projectsDirectory } from "../claude/places.ts";
import { projectFolders } from "../sessions/store.ts";
import { makeDirectory } from "../system/files.ts";
import { Problem } from "../system/problem.ts";
import { requireFreeSpace, sweepTemporaryFiles } from "../system/temporary-files.ts";
import { findHistoryLines } from "./history-lines.ts";
import {
  type ImportCandidate,
  type ImportOptions,
  type ImportOutcome,
  importCandidates,
} from "./import-candidates.ts";
import { Staging } from "./import-staging.ts";
import type { Manifest } from "./manifest.ts";
import { readArchive } from "./read.ts";

/**
 * Imports the sessions of an archive, each completely or not at all. Reads and checks the whole archive before it writes
 * anything.
 */
export async function importArchive(file: string, options: ImportOptions): Promise<ImportOutcome[]> {
  const checkProgress = options.startProgress?.();
  let all = 0;
  const manifest = await readArchive(file, {
    onManifest: (manifest) => {
      all = manifest.files.reduce((sum, { size }) => sum + size, 0);
    },
    onProgress: (done) => checkProgress?.(done, all),
  });
  for (const [, path] of projectFolders()) sweepTemporaryFiles(path);
  const candidates = importCandidates(manifest, options);
  const undecided = new Map(
    candidates.flatMap((candidate) => (candidate.outcome ? [] : [[candidate.packed.id, candidate] as const])),
  );
  if (undecided.size === 0) return candidates.map(({ outcome }) => outcome!);

  makeDirectory(projectsDirectory());
  if (!options.dryRun) requireFreeSpace(projectsDirectory(), bytesNeeded(manifest, undecided));
  const history = findHistoryLines(new Set(undecided.keys()));
  const importProgress = options.startProgress?.();
  let staging: Staging | null = null;
  const finish = (): void => {
    if (staging) {
      const { candidate } = staging;
      candidate.outcome = staging.commit(options, history.get(candidate.packed.id) ?? []);
    }
    staging = null;
  };
  try {
    await readArchive(file, {
      onManifest: (again) => {
        if (JSON.stringify(again) !== JSON.stringify(manifest))
          throw new Problem("changed", `${file} changed while it was being read`, { hint: "run it again" });
      },
      sinkFor: ({ name }) => {
        const candidate = undecided.get(sessionOf(name));
        if (staging?.candidate !== candidate) finish();
        if (!candidate) return undefined;
        staging ??= new Staging(candidate);
        return staging.addFile(name);
      },
      onProgress: (done) => importProgress?.(done, all),
    });
    finish();
  } finally {
    (staging as Staging | null)?.discard();
  }
  return candidates.map(({ outcome }) => outcome!);
}

/** Returns the session id with which the name of an archive's file begins. */
const sessionOf = (name: string): string => name.slice(0, 36);

/** Returns the disk space that the import takes: twice the size where paths are mapped into a second file. */
function bytesNeeded(manifest: Manifest, candidates: ReadonlyMap<string, ImportCandidate>): number {
  return manifest.files.reduce((sum, { name, size }) => {
    const candidate = candidates.get(sessionOf(name));
    if (!candidate) return sum;
    return sum + (candidate.rules ? size * 2 : size);
  }, 0);
}
