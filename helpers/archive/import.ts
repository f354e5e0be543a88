import { projectsDirectory } from "../claude/places.ts";
import { projectFolders } from "../sessions/store.ts";
import { makeDirectory } from "../system/files.ts";
import { Problem } from "../system/problem.ts";
import { requireFreeSpace, sweepTemporaryFiles } from "../system/temporary-files.ts";
import { findHistoryLines } from "./history-lines.ts";
import { type ImportOptions, type ImportOutcome, importCandidates } from "./import-candidates.ts";
import { Staging } from "./import-staging.ts";
import { readArchive } from "./read.ts";

/**
 * Brings the sessions of an archive into this home, each as a whole or not at all. The archive is read to its end
 * before anything is written.
 */
export async function importArchive(file: string, options: ImportOptions): Promise<ImportOutcome[]> {
  const watch = options.startProgress?.();
  let all = 0;
  const manifest = await readArchive(file, {
    start: (one) => {
      all = one.files.reduce((sum, { size }) => sum + size, 0);
    },
    done: (done) => watch?.(done, all),
  });
  for (const [, path] of projectFolders()) sweepTemporaryFiles(path);
  const guests = importCandidates(manifest, options);
  const coming = new Map(
    guests.flatMap((guest) => (guest.outcome ? [] : [[guest.packed.id, guest] as const])),
  );
  if (coming.size === 0) return guests.map(({ outcome }) => outcome!);

  makeDirectory(projectsDirectory());
  const needed = manifest.files.reduce((sum, { name, size }) => {
    const guest = coming.get(name.slice(0, 36));
    return sum + (guest && !options.dryRun ? size * (guest.rules ? 2 : 1) : 0);
  }, 0);
  requireFreeSpace(projectsDirectory(), needed);
  const history = findHistoryLines(new Set(coming.keys()));
  const watching = options.startProgress?.();
  let stage: Staging | null = null;
  const finish = (): void => {
    if (stage) stage.candidate.outcome = stage.commit(options, history.get(stage.candidate.packed.id) ?? []);
    stage = null;
  };
  try {
    await readArchive(file, {
      start: (again) => {
        if (JSON.stringify(again) !== JSON.stringify(manifest))
          throw new Problem("changed", `${file} was changed.`);
      },
      take: ({ name }) => {
        const guest = coming.get(name.slice(0, 36));
        if (stage?.candidate !== guest) finish();
        if (!guest) return undefined;
        stage ??= new Staging(guest);
        return stage.addFile(name);
      },
      done: (done) => watching?.(done, all),
    });
    finish();
  } finally {
    (stage as Staging | null)?.discard();
  }
  return guests.map(({ outcome }) => outcome!);
}
