import type { VisibleText } from "../claude/visible-text.ts";
import { countBits, excerptOf } from "./excerpt.ts";
import { type Word, wordsIn } from "./words.ts";

/** A message that holds a word. `snippet` is not yet cleaned; `at` is epoch ms; `order` is its place in the session. */
export type Match = {
  at: number | null;
  role: VisibleText["role"];
  snippet: string;
  count: number;
  order: number;
};

const MOST_MATCHES = 5;

/** Collects what the messages of one session hold of the words. */
export class Matches {
  /** the words seen so far, as bits */
  mask = 0;
  /** messages that hold a word */
  hits = 0;
  /** the best ones: those with most of the words, the oldest of these first */
  best: Match[] = [];
  /** whether one message held all the words */
  full = false;
  readonly #words: readonly Word[];
  readonly #keep: number;

  constructor(words: readonly Word[], complete: boolean) {
    this.#words = words;
    this.#keep = complete ? MOST_MATCHES : 1;
  }

  add({ at, role, text }: VisibleText, order: number): void {
    const mask = wordsIn(this.#words, text);
    if (mask === 0) return;
    this.mask |= mask;
    this.hits++;
    const count = countBits(mask);
    if (count === this.#words.length) this.full = true;
    let place = this.best.length;
    while (place > 0 && worse(this.best[place - 1]!, count, order)) place--;
    if (place >= this.#keep) return;
    this.best.splice(place, 0, { at, role, snippet: excerptOf(this.#words, text), count, order });
    if (this.best.length > this.#keep) this.best.pop();
  }
}

const worse = (match: Match, count: number, order: number): boolean =>
  match.count < count || (match.count === count && match.order > order);
