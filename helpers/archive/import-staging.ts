import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileWriter, makeDirectory } from "../system/files.ts";
import { Problem } from "../system/problem.ts";
import { linkInto, temporaryPath } from "../system/temporary-files.ts";
import { appendTail } from "./append.ts";
import { compareTranscripts } from "./compare.ts";
import { appendHistory } from "./history-lines.ts";
import type { ImportCandidate, ImportOptions, ImportOutcome } from "./import-candidates.ts";
import { parseMemberName } from "./manifest.ts";
import { mapTranscript } from "./map-transcript.ts";
import { pathMapper } from "./path-rules.ts";
import { partDirectory, sessionFolder } from "./session-files.ts";

/** A session's files beside the place where they will be, until all are there. */
export class Staging {
  readonly candidate: ImportCandidate;
  readonly #directory: string;

  constructor(guest: ImportCandidate) {
    this.candidate = guest;
    makeDirectory(dirname(guest.path));
    this.#directory = temporaryPath(dirname(guest.path));
    mkdirSync(this.#directory, { mode: 0o700 });
  }

  addFile(name: string): { bytes(piece: Buffer): void; end(): void } {
    const { part, rest } = parseMemberName(name);
    const path = join(this.#directory, String(this.candidate.files.length));
    this.candidate.files.push({ part, rest, path });
    const fd = openSync(path, "wx", 0o600);
    const write = fileWriter(fd, path);
    return {
      bytes: write,
      end: () => {
        fsyncSync(fd);
        closeSync(fd);
      },
    };
  }

  discard(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  commit(options: ImportOptions, history: readonly (readonly [number, number])[]): ImportOutcome {
    const { rules, files } = this.candidate;
    try {
      if (rules) {
        for (const one of files) {
          if (!/\.jsonl$/.test(one.rest || one.part) || one.part === "history.jsonl") continue;
          mapTranscript(one.path, `${one.path}m`, rules);
          rmSync(one.path);
          one.path += "m";
        }
      }
      for (let tries = 0; ; tries++) {
        try {
          return this.#settle(options, history);
        } catch (error) {
          // Another import has just brought it.
          if (!(error instanceof Problem) || error.kind !== "exists" || tries > 8) throw error;
        }
      }
    } finally {
      this.discard();
    }
  }

  /** Everything but the transcript first: until that has its name, the session is not here. */
  #settle(options: ImportOptions, history: readonly (readonly [number, number])[]): ImportOutcome {
    const { candidate } = this;
    const { packed, project, rules, files } = candidate;
    const present = candidate.present ?? (existsSync(candidate.path) ? candidate.path : null);
    const outcome = (action: ImportOutcome["action"], detail: string | null = null): ImportOutcome => ({
      id: packed.id,
      title: packed.title,
      project,
      action,
      detail,
    });
    const [transcript] = files;
    let action: ImportOutcome["action"] = "imported";
    let tail = 0;
    if (present !== null) {
      const { is, to } = compareTranscripts(present, transcript!.path);
      if (is === "different")
        return outcome("refused", "here and there it went on differently: neither was changed");
      if (is === "ours-longer") return outcome("refused", "it is longer here than in the archive");
      if (is === "theirs-longer" && !options.update)
        return outcome("refused", "the archive has more of it: --update appends that");
      action = is === "same" ? "here" : "updated";
      tail = to;
    }
    if (options.dryRun) return outcome(action);
    if (options.running().has(packed.id)) return outcome("refused", "it is running: end it first");
    const own = sessionFolder(candidate.path);
    for (const { part, rest, path } of files.slice(1)) {
      if (part !== "history.jsonl") mergeFile(path, join(partDirectory(part, packed.id, own), rest));
    }
    if (action === "imported") {
      linkInto(
        transcript!.path,
        candidate.path,
        () => new Problem("exists", `${candidate.path} has just come into being.`),
      );
    } else if (action === "updated")
      appendTail(present!, transcript!.path, tail, () => options.running().has(packed.id));
    const lines = files.find(({ part }) => part === "history.jsonl");
    if (lines) appendHistory(packed.id, lines.path, pathMapper(rules ?? []), history);
    return outcome(action);
  }
}

/** A further file of a session: new ones are placed, grown ones are extended, others stay as they are here. */
function mergeFile(from: string, to: string): void {
  makeDirectory(dirname(to));
  if (!existsSync(to)) {
    linkInto(from, to, () => new Problem("exists", `${to} has just come into being.`));
    return;
  }
  if (!to.endsWith(".jsonl")) return;
  const { is, to: tail } = compareTranscripts(to, from);
  if (is === "theirs-longer") appendTail(to, from, tail, () => false);
}
