// A recording as it is played: what is written, after which pauses.

import { type Recording, read, secondsOf } from "./cast.ts";
import type { AnsiFilter } from "./cast-text.ts";

/** Pauses are ms; `last` of them are played, what was before is there at once. */
export type Pace = { speed: number; idle: number; last: number | undefined };
/** `text` to be written after `wait` ms, or the size that the recording has from here on. */
export type Piece = { wait: number; text: string } | { columns: number; rows: number };

export function* playback(
  recording: Recording,
  tame: AnsiFilter,
  { speed, idle, last }: Pace,
): Generator<Piece> {
  const skip = last === undefined ? 0 : secondsOf(recording) - last / 1000;
  let before = 0;
  for (const path of recording.parts) {
    let seconds = 0;
    for (const event of read(path)) {
      if ("columns" in event) {
        yield event;
        continue;
      }
      const pause = Math.min(idle, ((event.seconds - seconds) * 1000) / speed);
      seconds = event.seconds;
      const wait = before + seconds >= skip && pause > 1 ? pause : 0;
      // libuv's raw mode makes CR LF of a bare LF: go down by a sequence instead
      if (event.kind === "o") yield { wait, text: tame.feed(event.data).replaceAll("\n", "\x1bD") };
      else {
        yield { wait, text: "" };
        const [columns = 0, rows = 0] = event.data.split("x").map(Number);
        if (event.kind === "r") yield { columns, rows };
      }
    }
    before += seconds;
  }
}
