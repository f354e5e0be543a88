import { Matches } from "../search/matches.ts";
import { type Word, wordsIn } from "../search/words.ts";
import { type Recording, read, recordedSessions, recordingsOf } from "./cast.ts";
import { ScreenBuffer } from "./cast-text.ts";

/** The screen is read when nothing was printed for so long (s): what stood there for less, nobody read. */
const PAUSE = 0.3;
/** So many different lines with a word are told apart. */
const MOST_LINES = 10_000;

export type Shown = { id: string; updatedAt: number; matches: Matches };

/**
 * Sessions whose screen has shown every word, the last recorded first, at most `limit` that `keep` wants. Words that
 * a program broke at the edge of the screen are two.
 */
export function searchRecordings(
  words: readonly Word[],
  options: { limit: number; since: number; complete: boolean; keep(id: string): boolean },
): { found: Shown[]; searched: { files: number; bytes: number }; more: boolean } {
  const { limit, since, complete, keep } = options;
  const all = recordedSessions()
    .map((id) => ({ id, recordings: recordingsOf(id).filter(({ updatedAt }) => updatedAt >= since) }))
    .filter(({ id, recordings }) => recordings.length > 0 && keep(id))
    .map((one) => ({
      ...one,
      updatedAt: Math.max(...one.recordings.map((recording) => recording.updatedAt)),
    }))
    .sort((a, b) => b.updatedAt - a.updatedAt);
  const found: Shown[] = [];
  const searched = { files: 0, bytes: 0 };
  for (const { id, recordings, updatedAt } of all) {
    if (found.length >= limit) return { found, searched, more: true };
    const matches = new Matches(words, complete);
    const seen = new Set<string>();
    for (const recording of recordings) {
      search(recording, words, matches, seen);
      searched.files += recording.parts.length;
      searched.bytes += recording.bytes;
    }
    if (matches.mask === 2 ** words.length - 1) found.push({ id, updatedAt, matches });
  }
  return { found, searched, more: false };
}

function search(recording: Recording, words: readonly Word[], matches: Matches, seen: Set<string>): void {
  let at = recording.startedAt;
  const grid = new ScreenBuffer((line) => {
    const text = line.trim();
    if (seen.has(text) || seen.size >= MOST_LINES || wordsIn(words, text) === 0) return;
    seen.add(text);
    matches.add({ at, role: "tool", text }, at);
  });
  for (const path of recording.parts) {
    let begun = recording.startedAt;
    let last = 0;
    for (const event of read(path)) {
      if ("columns" in event) {
        begun = event.at || begun;
        grid.resize(event.columns, event.rows);
        continue;
      }
      if (event.seconds - last >= PAUSE) grid.flush();
      last = event.seconds;
      at = begun + last * 1000;
      if (event.kind === "o") grid.feed(event.data);
      else if (event.kind === "r") {
        const [columns = 0, rows = 0] = event.data.split("x").map(Number);
        if (columns > 0 && rows > 0) grid.resize(columns, rows);
      }
    }
  }
  grid.flush();
}
