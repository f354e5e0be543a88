import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileWriter, makeDirectory } from "../system/files.ts";
import { Problem } from "../system/problem.ts";
import { linkInto, temporaryPath } from "../system/temporary-files.ts";
import { appendTail } from "./append.ts";
import { compareTranscripts } from "./compare.ts";
import { appendHistory, type LineRange } from "./history-lines.ts";
import {
  type ImportCandidate,
  type ImportOptions,
  type ImportOutcome,
  RUNNING,
} from "./import-candidates.ts";
import { parseMemberName } from "./manifest.ts";
import { mapTranscript } from "./map-transcript.ts";
import { pathMapper } from "./path-rules.ts";
import { partDirectory, sessionFolder } from "./session-files.ts";

/** Collects the files of one session in a temporary folder beside their destination, then installs all of them. */
export class Staging {
  readonly candidate: ImportCandidate;
  readonly #directory: string;

  constructor(candidate: ImportCandidate) {
    this.candidate = candidate;
    makeDirectory(dirname(candidate.path));
    this.#directory = temporaryPath(dirname(candidate.path));
    mkdirSync(this.#directory, { mode: 0o700 });
  }

  /** Opens a file of the session for writing. `end` makes it durable. */
  addFile(name: string): { bytes(piece: Buffer): void; end(): void } {
    const { part, rest } = parseMemberName(name);
    const path = join(this.#directory, String(this.candidate.files.length));
    this.candidate.files.push({ part, rest, path });
    const fd = openSync(path, "wx", 0o600);
    return {
      bytes: fileWriter(fd, path),
      end: () => {
        fsyncSync(fd);
        closeSync(fd);
      },
    };
  }

  discard(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Maps the paths in the staged files and installs them. `history` are the session's lines in the history here. */
  commit(options: ImportOptions, history: readonly LineRange[]): ImportOutcome {
    try {
      this.#mapPaths();
      for (let tries = 0; ; tries++) {
        try {
          return this.#install(options, history);
        } catch (error) {
          // Another import of the same session was faster.
          if (!(error instanceof Problem) || error.kind !== "exists" || tries > 8) throw error;
        }
      }
    } finally {
      this.discard();
    }
  }

  #mapPaths(): void {
    const { rules, files } = this.candidate;
    if (!rules) return;
    for (const file of files) {
      if (!/\.jsonl$/.test(file.rest || file.part) || file.part === "history.jsonl") continue;
      mapTranscript(file.path, `${file.path}m`, rules);
      rmSync(file.path);
      file.path += "m";
    }
  }

  /** Installs the transcript last: until it has its name, the session does not exist here. */
  #install(options: ImportOptions, history: readonly LineRange[]): ImportOutcome {
    const { packed, project, path: target, rules, files } = this.candidate;
    const { id, title } = packed;
    const isRunning = (): boolean => options.running().has(id);
    const { action, detail, present, tail } = this.#decide(options.update);
    if (action === "refused" || options.dryRun) return { id, title, project, action, detail };
    if (isRunning()) return { id, title, project, action: "refused", detail: RUNNING };
    const own = sessionFolder(target);
    const [transcript, ...others] = files;
    for (const { part, rest, path } of others) {
      if (part !== "history.jsonl") mergeFile(path, join(partDirectory(part, id, own), rest));
    }
    if (action === "imported") linkInto(transcript!.path, target, () => alreadyExists(target));
    else if (action === "updated") appendTail(present!, transcript!.path, tail, isRunning);
    const lines = files.find(({ part }) => part === "history.jsonl");
    if (lines) appendHistory(id, lines.path, pathMapper(rules ?? []), history);
    return { id, title, project, action, detail };
  }

  /** Compares with the transcript that is here. `tail` is the offset of what the archive has more. */
  #decide(
    update: boolean,
  ): Pick<ImportOutcome, "action" | "detail"> & { present: string | null; tail: number } {
    const { candidate } = this;
    const present = candidate.present ?? (existsSync(candidate.path) ? candidate.path : null);
    if (present === null) return { action: "imported", detail: null, present, tail: 0 };
    const { is, to } = compareTranscripts(present, candidate.files[0]!.path);
    const refuse = (detail: string) => ({ action: "refused" as const, detail, present, tail: to });
    if (is === "different")
      return refuse("it has different new turns here and in the archive: neither was changed");
    if (is === "ours-longer") return refuse("it is longer here than in the archive");
    if (is === "theirs-longer" && !update)
      return refuse("the archive has newer turns: add them with --update");
    return { action: is === "same" ? "here" : "updated", detail: null, present, tail: to };
  }
}

const alreadyExists = (path: string): Problem => new Problem("exists", `${path} already exists`);

/** Merges another file of a session: installs a new one, appends to a JSONL file that has grown, else keeps the one here. */
function mergeFile(from: string, to: string): void {
  makeDirectory(dirname(to));
  if (!existsSync(to)) {
    linkInto(from, to, () => alreadyExists(to));
    return;
  }
  if (!to.endsWith(".jsonl")) return;
  const { is, to: tail } = compareTranscripts(to, from);
  if (is === "theirs-longer") appendTail(to, from, tail, () => false);
}
