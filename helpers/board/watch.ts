// Tells when sessions change: the kernel says so, nothing is asked for again and again.
import { type FSWatcher, statSync, watch } from "node:fs";
import { join } from "node:path";
import { configDirectory, isSessionId, projectsDirectory, registryDirectory } from "../claude/places.ts";
import { idsIn, projectFolders } from "../sessions/store.ts";
import { state } from "../system/places.ts";

/** What happens within so long (ms) is told together. */
const TOGETHER = 300;
/** What was written shortly before a folder was watched was told by nobody. */
const FRESH = 60_000;
/** Folders beyond these are looked at when the screen is opened again. */
const MOST_FOLDERS = 2000;

/** What changed: transcripts by their paths, and whether something started, ended or waits. */
export type News = { paths: ReadonlySet<string>; running: boolean };

export class Watch {
  readonly #tell: (news: News) => void;
  readonly #watched = new Map<string, FSWatcher>();
  #paths = new Set<string>();
  /** the first news is what there is */
  #running = true;
  #moved = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(tell: (news: News) => void) {
    this.#tell = tell;
    this.#look(true);
    this.#timer = setTimeout(() => this.#ring(), 0);
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const one of this.#watched.values()) one.close();
    this.#watched.clear();
  }

  /** Watches what is there by now. */
  #look(moved: boolean): void {
    for (const path of [registryDirectory(), join(state(), "live")]) {
      this.#on(path, () => {
        this.#running = true;
      });
    }
    if (!moved) return;
    const begun = (): void => {
      this.#moved = true;
    };
    this.#on(projectsDirectory(), begun);
    if (!this.#watched.has(projectsDirectory())) this.#on(configDirectory(), begun);
    try {
      for (const [, path] of projectFolders().slice(0, MOST_FOLDERS)) {
        this.#on(path, (name) => {
          if (name.endsWith(".jsonl") && isSessionId(name.slice(0, -6))) this.#paths.add(`${path}/${name}`);
        });
        if (Date.now() - statSync(path).mtimeMs < FRESH)
          for (const id of idsIn(path)) this.#paths.add(`${path}/${id}.jsonl`);
      }
    } catch {
      // a folder that cannot be listed says nothing
    }
  }

  #on(path: string, note: (name: string) => void): void {
    if (this.#watched.has(path)) return;
    const forget = (): void => {
      this.#watched.get(path)?.close();
      this.#watched.delete(path);
    };
    try {
      const one = watch(path, (_, name) => {
        note(name ?? "");
        this.#timer ??= setTimeout(() => this.#ring(), TOGETHER);
      });
      this.#watched.set(path, one.on("error", forget));
    } catch {
      // not there yet, or no more watches: what is shown stays as it was read
    }
  }

  #ring(): void {
    this.#timer = undefined;
    // A folder that is made again is another one.
    if (this.#moved) this.close();
    this.#look(this.#moved);
    const news = { paths: this.#paths, running: this.#running };
    this.#paths = new Set();
    this.#running = false;
    this.#moved = false;
    this.#tell(news);
  }
}
