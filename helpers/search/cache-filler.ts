import { readAt } from "../claude/lines.ts";
import { slug } from "../claude/places.ts";
import { isReformatted } from "../claude/row-marks.ts";
import { TEXT_MARK, TITLE_MARKS, transcriptField } from "../claude/visible-text.ts";
import { isSettled } from "../system/cache-file.ts";
import { TextBuilder } from "./cached-text.ts";
import { projectOfFile } from "./entry-facts.ts";
import type { Kernel } from "./kernel.ts";
import type { ListedFile } from "./listing.ts";
import { type Part, PartWriter, type WrittenText } from "./part-writer.ts";
import { Scan } from "./scan.ts";
import type { TextCache } from "./text-cache.ts";
import { anyText } from "./words.ts";

const PROBE = 256;
/** What keeping texts may cost, as a part of what the search would take without any. */
const SHARE = 0.05;
/** No search is over sooner than in some fifteen times this (ms). */
const HEAD_START = 5;
/** Taking the text of a file costs so much more than searching it. */
const EXTRA = 2;
/** Bytes of text that are copied from part to part in a millisecond. */
const COPIED = 100_000;
/** Bytes that are searched in a millisecond, until this run knows better. */
const USUAL_SPEED = 3_000_000;

/**
 * Takes texts out of transcripts in passing, as many as it has time for: a search with an empty cache is not to be
 * much slower for it, and time that the cache has saved is there to be spent.
 */
export class CacheFiller {
  readonly #scan: Scan;
  readonly #cache: TextCache;
  readonly #writer: PartWriter;
  readonly #now = Date.now();
  readonly #text = new TextBuilder();
  readonly fresh: WrittenText[] = [];
  /** bytes that would have been read so far without any cache, and milliseconds that it has taken */
  #bytes: number;
  #spent = 0;
  #speed = USUAL_SPEED;
  #filled = false;
  #measured = { bytes: 0, ms: 0 };

  /** `saved`: bytes of transcripts that need not be searched, thanks to the cache. */
  constructor(kernel: Kernel, cache: TextCache, saved: number) {
    this.#bytes = saved;
    this.#scan = new Scan(kernel, [anyText([TEXT_MARK, ...TITLE_MARKS])], transcriptField(false));
    this.#cache = cache;
    this.#writer = new PartWriter(cache.directory);
  }

  /** Notes what a file has taken. */
  noteTime(file: ListedFile, ms: number): void {
    if (!file.cached && !this.#filled) {
      this.#measured.bytes += file.bytes;
      this.#measured.ms += ms;
      if (this.#measured.ms > 5) this.#speed = this.#measured.bytes / this.#measured.ms;
    }
    this.#filled = false;
    this.#bytes += file.bytes;
    this.#spent += ms;
  }

  /** Milliseconds that are left to be spent. */
  get #left(): number {
    return HEAD_START + (this.#bytes / this.#speed) * (1 + SHARE) - this.#spent;
  }

  /** The text of a transcript, if there is time to take it; null when not, or when it is not one to keep. */
  fill(fd: number, file: ListedFile): { text: Buffer; project: string | null } | null {
    if ((file.bytes / this.#speed) * EXTRA > this.#left) return null;
    if (file.bytes === 0 || !isSettled(file.mtime, this.#now) || !this.#writer.ready()) return null;
    const end = Buffer.alloc(PROBE);
    const length = Math.min(PROBE, file.bytes);
    // A last line without its end is still being written.
    if (readAt(fd, end, file.bytes - length, length) !== length || end[length - 1] !== 10) return null;
    this.#filled = true;
    const probe = probeOf(end);
    this.#text.length = 0;
    let project: string | null | undefined;
    let whole = true;
    const from = this.#resume(fd, file);
    this.#scan.read(fd, file.bytes, [0], (line) => !(whole = this.#text.addVisible(line)), {
      from,
      head: (chunk) => {
        if (isReformatted(chunk)) return true;
        project = from > 0 && file.outdated ? file.outdated.project : projectOfFile(fd, file, chunk);
        return false;
      },
    });
    if (!whole || project === undefined) return null;
    const text = this.#text.bytes.subarray(0, this.#text.length);
    const fresh = this.#writer.add(file, text, probe, project);
    if (fresh) this.fresh.push(fresh);
    return { text, project };
  }

  /** Where to go on in a file that has grown: its text so far is in the cache. */
  #resume(fd: number, file: ListedFile): number {
    const { outdated } = file;
    // A session in another folder than its own may have been moved meanwhile.
    if (
      !outdated ||
      outdated.bytes >= file.bytes ||
      outdated.project === null ||
      slug(outdated.project) !== file.folder
    )
      return 0;
    const end = Buffer.alloc(PROBE);
    const length = Math.min(PROBE, outdated.bytes);
    if (readAt(fd, end, outdated.bytes - length, length) !== length || probeOf(end) !== outdated.probe)
      return 0;
    const text = Buffer.allocUnsafe(outdated.length);
    if (!this.#cache.read(outdated, text, 0, 0, text.length) || !this.#text.add("", text)) return 0;
    return outdated.bytes;
  }

  /** Bytes of texts that there is still time to copy. */
  get room(): number {
    return Math.max(0, this.#left) * COPIED;
  }

  /** Completes what was written; null when that is nothing. */
  end(): Part | null {
    return this.#writer.end();
  }
}

function probeOf(bytes: Uint8Array): number {
  let sum = 5381;
  for (const byte of bytes) sum = (Math.imul(sum, 33) ^ byte) >>> 0;
  return sum;
}
