// Reports when sessions change. It uses file system events, so nothing is polled.
import { type FSWatcher, statSync, watch } from "node:fs";
import { join } from "node:path";
import { configDirectory, isSessionId, projectsDirectory, registryDirectory } from "../claude/places.ts";
import { idsIn, projectFolders } from "../sessions/store.ts";
import { state } from "../system/places.ts";

/** Events within this many ms are reported together. */
const BATCH = 300;
/** A folder younger than this (ms) may have been written to before it was watched, so its files count as changed. */
const FRESH = 60_000;
/** Further project folders are not watched; the board reads them when it is opened again. */
const MAX_FOLDERS = 2000;

/** Paths of changed transcripts, and whether any session started, ended or changed its status. */
export type Changes = { paths: ReadonlySet<string>; running: boolean };

/** Calls `onChange` once at the start and then after every change, until it is closed. */
export class SessionWatcher {
  readonly #onChange: (changes: Changes) => void;
  readonly #watched = new Map<string, FSWatcher>();
  #paths = new Set<string>();
  /** true at first, so that the first report covers all running sessions */
  #running = true;
  #foldersChanged = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(onChange: (changes: Changes) => void) {
    this.#onChange = onChange;
    this.#watchRegistry();
    this.#watchProjects();
    this.#timer = setTimeout(() => this.#report(), 0);
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#watched.values()) watcher.close();
    this.#watched.clear();
  }

  #watchRegistry(): void {
    for (const path of [registryDirectory(), join(state(), "live")]) {
      this.#watch(path, () => {
        this.#running = true;
      });
    }
  }

  #watchProjects(): void {
    const onFolder = (): void => {
      this.#foldersChanged = true;
    };
    this.#watch(projectsDirectory(), onFolder);
    if (!this.#watched.has(projectsDirectory())) this.#watch(configDirectory(), onFolder);
    try {
      for (const [, path] of projectFolders().slice(0, MAX_FOLDERS)) {
        this.#watch(path, (name) => {
          if (name.endsWith(".jsonl") && isSessionId(name.slice(0, -6))) this.#paths.add(`${path}/${name}`);
        });
        if (Date.now() - statSync(path).mtimeMs < FRESH)
          for (const id of idsIn(path)) this.#paths.add(`${path}/${id}.jsonl`);
      }
    } catch {
      // Folders that cannot be listed are not watched.
    }
  }

  #watch(path: string, onEvent: (name: string) => void): void {
    if (this.#watched.has(path)) return;
    const forget = (): void => {
      this.#watched.get(path)?.close();
      this.#watched.delete(path);
    };
    try {
      const watcher = watch(path, (_, name) => {
        onEvent(name ?? "");
        this.#timer ??= setTimeout(() => this.#report(), BATCH);
      });
      this.#watched.set(path, watcher.on("error", forget));
    } catch {
      // The path does not exist yet, or the system has no more watches: the board shows what it has read.
    }
  }

  #report(): void {
    this.#timer = undefined;
    // A folder that was deleted and created again needs a new watch.
    if (this.#foldersChanged) this.close();
    this.#watchRegistry();
    if (this.#foldersChanged) this.#watchProjects();
    const changes = { paths: this.#paths, running: this.#running };
    this.#paths = new Set();
    this.#running = false;
    this.#foldersChanged = false;
    this.#onChange(changes);
  }
}
