import { statSync } from "node:fs";
import type { Transcript } from "../entry.ts";
import { folderTime, idsIn, projectFolders } from "../store.ts";
import type { Cache, Folder, Kept, Listed } from "./cache.ts";

/** A transcript with its text in the cache; `older` is the text of what it was before it changed. */
export type File = Transcript & { kept: Kept | null; older: Kept | null };

const ID = 36;

/** Every transcript with size and time, and its row in the cache. In columns: there may be very many. */
export class Listing {
  readonly folders: Folder[] = [];
  /** ids as the file names have them */
  readonly ids: string[] = [];
  readonly bytes: number[] = [];
  readonly mtimes: number[] = [];
  readonly rows: number[] = [];
  readonly #cache: Cache | null;
  readonly #paths: string[] = [];
  /** end of each folder's transcripts */
  readonly #ends: number[] = [];

  constructor(cache: Cache | null) {
    this.#cache = cache;
    const now = Date.now();
    const known = new Map<string, Folder & { first: number }>();
    let first = 0;
    for (const folder of cache?.folders ?? []) {
      known.set(folder.name, { ...folder, first });
      first += folder.rows;
    }
    for (const [name, path] of projectFolders()) {
      const time = folderTime(path, now);
      const before = known.get(name);
      const start = this.ids.length;
      // What was listed at this time is there still, and nothing else.
      if (before && time !== 0 && before.time === time) {
        for (let row = before.first; row < before.first + before.rows; row++)
          this.#look(path, cache!.ids.slice(row * ID, row * ID + ID), row);
      } else {
        const rows = new Map<string, number>();
        for (let i = 0; i < (before?.rows ?? 0); i++) {
          const row = before!.first + i;
          rows.set(cache!.ids.slice(row * ID, row * ID + ID), row);
        }
        for (const id of idsIn(path)) this.#look(path, id, rows.get(id) ?? -1);
      }
      this.folders.push({ name, time, rows: this.ids.length - start });
      this.#paths.push(path);
      this.#ends.push(this.ids.length);
    }
  }

  #look(folder: string, id: string, row: number): void {
    try {
      const stats = statSync(`${folder}/${id}.jsonl`, { throwIfNoEntry: false });
      if (!stats?.isFile()) return;
      this.ids.push(id);
      this.bytes.push(stats.size);
      this.mtimes.push(stats.mtimeMs);
      this.rows.push(row);
    } catch {
      // what cannot be looked at cannot be read
    }
  }

  get count(): number {
    return this.ids.length;
  }

  /** Whether the cache has the text of a transcript as it is now. */
  same(at: number): boolean {
    const row = this.rows[at]!;
    return row >= 0 && this.#cache!.same(row, this.bytes[at]!, this.mtimes[at]!);
  }

  file(at: number): File {
    const folder = this.#ends.findIndex((end) => at < end);
    const name = this.ids[at]!;
    const row = this.#cache?.kept(this.rows[at]!) ?? null;
    const same = row !== null && this.same(at);
    return {
      id: name.toLowerCase(),
      folder: this.folders[folder]!.name,
      path: `${this.#paths[folder]}/${name}.jsonl`,
      bytes: this.bytes[at]!,
      mtime: this.mtimes[at]!,
      kept: same ? row : null,
      older: same ? null : row,
    };
  }

  listed(): Listed[] {
    return this.ids.map((id, at) => ({ id, row: this.rows[at]! }));
  }
}
