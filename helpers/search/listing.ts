import type { Transcript } from "../sessions/entry.ts";
import { folderTime, idsIn, projectFolders } from "../sessions/store.ts";
import { statFile } from "../system/stat-file.ts";
import type { CachedText, Folder, ListedTranscript, TextCache } from "./text-cache.ts";

/** A transcript with its text in the cache; `older` is the text of what it was before it changed. */
export type ListedFile = Transcript & { cached: CachedText | null; outdated: CachedText | null };

/** Every transcript with size and time, and its row in the cache. In columns: there may be very many. */
export class Listing {
  readonly folders: Folder[] = [];
  readonly bytes: number[] = [];
  readonly mtimes: number[] = [];
  readonly rows: number[] = [];
  /** bytes of all */
  size = 0;
  readonly #cache: TextCache | null;
  readonly #same: boolean[] = [];
  /** ids of files that the cache does not know, by number */
  readonly #names: string[] = [];
  readonly #paths: string[] = [];
  /** end of each folder's transcripts */
  readonly #ends: number[] = [];

  constructor(cache: TextCache | null) {
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
      const start = this.count;
      // What was listed at this time is there still, and nothing else.
      if (before && time !== 0 && before.time === time) {
        for (let row = before.first; row < before.first + before.rows; row++)
          this.#look(path, cache!.idOf(row), row);
      } else {
        const rows = new Map<string, number>();
        for (let i = 0; i < (before?.rows ?? 0); i++) {
          const row = before!.first + i;
          rows.set(cache!.idOf(row), row);
        }
        for (const id of idsIn(path)) this.#look(path, id, rows.get(id) ?? -1);
      }
      this.folders.push({ name, time, rows: this.count - start });
      this.#paths.push(path);
      this.#ends.push(this.count);
    }
  }

  #look(folder: string, id: string, row: number): void {
    try {
      const seen = statFile(`${folder}/${id}.jsonl`);
      if (!seen?.isFile) return;
      if (row < 0) this.#names[this.count] = id;
      this.bytes.push(seen.bytes);
      this.mtimes.push(seen.mtime);
      this.rows.push(row);
      this.size += seen.bytes;
      this.#same.push(row >= 0 && this.#cache!.isCurrent(row, seen.bytes, seen.mtime));
    } catch {
      // what cannot be looked at cannot be read
    }
  }

  get count(): number {
    return this.rows.length;
  }

  /** An id as the file name has it. */
  id(at: number): string {
    return this.#names[at] ?? this.#cache!.idOf(this.rows[at]!);
  }

  get ids(): string[] {
    return this.rows.map((_, at) => this.id(at));
  }

  /** Whether the cache has the text of a transcript as it is now. */
  isCurrent(at: number): boolean {
    return this.#same[at]!;
  }

  file(at: number): ListedFile {
    const folder = this.#ends.findIndex((end) => at < end);
    const name = this.id(at);
    const row = this.#cache?.textOf(this.rows[at]!) ?? null;
    const same = row !== null && this.isCurrent(at);
    return {
      id: name.toLowerCase(),
      folder: this.folders[folder]!.name,
      path: `${this.#paths[folder]}/${name}.jsonl`,
      bytes: this.bytes[at]!,
      mtime: this.mtimes[at]!,
      cached: same ? row : null,
      outdated: same ? null : row,
    };
  }

  listed(): ListedTranscript[] {
    return this.rows.map((row, at) => ({ id: this.id(at), row }));
  }
}
