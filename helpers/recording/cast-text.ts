// What the text of a recording does to a terminal: only as much of it as a replay needs, or none.

/** Control sequences, whole ones first; strings (titles, answers, clipboard) end with BEL or ST. */
const SEQUENCE =
  /\x1b\[([<-?]?)([\d;:]*)([ -/]*)([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[PX^_k][^\x1b]*\x1b\\|\x1b([ -/]*)([0-OQ-WYZ\\`-jl-~])|[\0-\x07\x0e-\x1f\x7f-\x9f]/g;
/** The beginning of one. */
const HALF = /\x1b(?:\[[<-?]?[\d;:]*[ -/]*|\][^\x07\x1b]*\x1b?|[PX^_k][^\x1b]*\x1b?|[ -/]*)?$/;
const LONGEST = 65_536;

const DRAWING = /[@A-HJ-MPSTXZ`abdefmrsu]/;
/** Inverse screen, origin, wrap, cursor, alternate screens, one update at a time. */
const MODES = new Set(["5", "6", "7", "25", "47", "1047", "1048", "1049", "2026"]);

/**
 * Lets through what draws, and nothing that asks the terminal, writes to its clipboard, title, printer or scrollback,
 * or changes what keys and mouse send. Sequences may be split anywhere.
 */
export class AnsiFilter {
  /** whether the recording is in the alternate screen */
  alternate = false;
  #rest = "";

  feed(text: string): string {
    text = this.#rest + text;
    const half = HALF.exec(text);
    this.#rest = half && text.length - half.index < LONGEST ? half[0] : "";
    if (half) text = text.slice(0, half.index);
    return text.replace(SEQUENCE, (whole: string, ...groups) => {
      const [mark, parameters, between, last, set, single] = groups;
      if (last !== undefined) return this.#control(whole, mark, parameters, between, last);
      if (single === undefined) return /[\x0e\x0f]/.test(whole) ? whole : "";
      // a full reset would empty the scrollback too
      if (whole === "\x1bc") return "\x1b[!p\x1b[H\x1b[2J";
      return /^(?:[78DEHM]|[()][0AB]|#8)$/.test(set + single) ? whole : "";
    });
  }

  #control(whole: string, mark: string, parameters: string, between: string, last: string): string {
    if (between !== "") return between === "!" && last === "p" ? whole : "";
    if (last === "h" || last === "l") {
      const modes = parameters.split(";").filter((mode) => (mark === "?" ? MODES.has(mode) : mode === "4"));
      if (mark === "?" && modes.some((mode) => /^(?:47|104[79])$/.test(mode))) this.alternate = last === "h";
      return modes.length > 0 && (mark === "?" || mark === "") ? `\x1b[${mark}${modes.join(";")}${last}` : "";
    }
    if (mark !== "" && !(mark === "?" && /[JK]/.test(last))) return "";
    return DRAWING.test(last) && !(last === "J" && parameters === "3") ? whole : "";
  }
}

/** What puts a terminal in order after anything that {@link AnsiFilter} lets through. The cursor goes to its last row. */
export const RESET = "\x1b[?2026l\x1b[?5;6l\x1b[4l\x1b[r\x1b(B\x0f\x1b[0m\x1b[?7;25h\x1b[999;1H";

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;
const JOINED = /\p{M}|[\u200b-\u200d]/u;

/** No screen is larger, and no number in a sequence means more. */
const LARGEST = 1000;

/** The characters on a screen, without their looks: enough to read what people could read. */
export class ScreenBuffer {
  lines: string[][] = [];
  /** rows that have changed since they were looked at last */
  readonly changed = new Set<number>();
  readonly #gone: (line: string) => void;
  #columns = 80;
  #rows = 24;
  #x = 0;
  #y = 0;
  #saved: [x: number, y: number] = [0, 0];
  #top = 0;
  #low = 23;
  #rest = "";

  /** `gone` is told of each changed line that leaves the screen or is wiped out. */
  constructor(gone: (line: string) => void) {
    this.#gone = gone;
  }

  resize(wide: number, high: number): void {
    const columns = Math.min(wide, LARGEST);
    const rows = Math.min(high, LARGEST);
    for (let y = rows; y < this.#rows; y++) this.#leave(y);
    this.lines.length = Math.min(this.lines.length, rows);
    this.#columns = columns;
    this.#rows = rows;
    this.#top = 0;
    this.#low = rows - 1;
    this.#to(this.#x, this.#y);
  }

  /** Tells of every line that has changed. */
  flush(): void {
    for (const y of [...this.changed].sort((a, b) => a - b)) this.#leave(y);
  }

  feed(text: string): void {
    text = this.#rest + text;
    const half = HALF.exec(text);
    this.#rest = half && text.length - half.index < LONGEST ? half[0] : "";
    if (half) text = text.slice(0, half.index);
    let at = 0;
    for (const match of text.matchAll(SEQUENCE)) {
      this.#print(text.slice(at, match.index));
      at = match.index + match[0].length;
      if (match[4] !== undefined) this.#control(match[1]!, match[2]!.split(/[;:]/).map(Number), match[4]);
      else if (match[6] !== undefined && match[5] === "") this.#escape(match[6]);
    }
    this.#print(text.slice(at));
  }

  #print(text: string): void {
    for (const character of text) {
      if (character === "\n" || character === "\v" || character === "\f") this.#feed();
      else if (character === "\r") this.#x = 0;
      else if (character === "\b") this.#x = Math.max(0, this.#x - 1);
      else if (character === "\t") this.#x = Math.min(this.#columns - 1, (this.#x | 7) + 1);
      else this.#put(character);
    }
  }

  #put(character: string): void {
    const ascii = character < "\x7f";
    const line = this.#line(this.#y);
    if (!ascii && JOINED.test(character)) {
      if (this.#x > 0) line[this.#x - 1] += character;
      return;
    }
    const wide = !ascii && WIDE.test(character);
    if (this.#x + (wide ? 1 : 0) >= this.#columns) {
      this.#x = 0;
      this.#feed();
    }
    const here = this.#line(this.#y);
    here[this.#x++] = character;
    if (wide) here[this.#x++] = "";
    else if (here[this.#x] === "") here[this.#x] = " ";
    this.changed.add(this.#y);
  }

  #line(y: number): string[] {
    this.lines[y] ??= [];
    return this.lines[y];
  }

  #feed(): void {
    this.#x = Math.min(this.#x, this.#columns - 1);
    if (this.#y === this.#low) this.#scroll(this.#top, 1);
    else this.#y = Math.min(this.#rows - 1, this.#y + 1);
  }

  /** Moves the lines from `from` to the end of the region, up where `count` is positive. */
  #scroll(from: number, count: number): void {
    const size = Math.min(Math.abs(count), this.#low - from + 1);
    for (let y = from; y <= this.#low; y++) {
      // those that stay are told of too: their row has another number from now on
      this.#leave(y);
      this.#line(y);
    }
    const empty = Array.from({ length: size }, (): string[] => []);
    if (count > 0) {
      this.lines.splice(from, size);
      this.lines.splice(this.#low - size + 1, 0, ...empty);
    } else {
      this.lines.splice(this.#low - size + 1, size);
      this.lines.splice(from, 0, ...empty);
    }
  }

  #leave(y: number): void {
    if (!this.changed.delete(y)) return;
    const line = Array.from(this.lines[y] ?? [], (character) => character ?? " ").join("");
    if (line.trim() !== "") this.#gone(line);
  }

  #to(x: number, y: number): void {
    this.#x = Math.max(0, Math.min(this.#columns - 1, x));
    this.#y = Math.max(0, Math.min(this.#rows - 1, y));
  }

  /** Moves do not leave the region, unless they begin outside of it. */
  #within(y: number, by: number): number {
    if (by < 0 && y >= this.#top) return Math.max(this.#top, y + by);
    if (by > 0 && y <= this.#low) return Math.min(this.#low, y + by);
    return y + by;
  }

  #wipe(y: number, from = 0, to = this.#columns): void {
    const line = this.#line(y);
    if (from === 0 && to >= line.length) {
      this.#leave(y);
      this.lines[y] = [];
    } else if (to >= line.length) line.length = Math.min(line.length, from);
    else for (let x = from; x < to; x++) line[x] = " ";
  }

  #control(mark: string, numbers: number[], last: string): void {
    if (mark === "?" && (last === "h" || last === "l")) {
      if (numbers.some((mode) => mode === 1049 || mode === 1047 || mode === 47)) this.#clear();
    } else if (mark === "") {
      this.#move(numbers, last);
      this.#erase(numbers[0] ?? 0, last);
      this.#edit(numbers, last);
    }
  }

  /** Sequences that move the cursor. */
  #move([first = 0, second = 0]: number[], last: string): void {
    const n = Math.min(first || 1, LARGEST);
    const [x, y] = [Math.min(this.#x, this.#columns - 1), this.#y];
    if (last === "H" || last === "f") this.#to((second || 1) - 1, n - 1);
    else if (last === "A" || last === "F") this.#to(last === "A" ? x : 0, this.#within(y, -n));
    else if (last === "B" || last === "E") this.#to(last === "B" ? x : 0, this.#within(y, n));
    else if (last === "e") this.#to(x, y + n);
    else if (last === "C" || last === "a") this.#to(x + n, y);
    else if (last === "D") this.#to(x - n, y);
    else if (last === "G" || last === "`") this.#to(n - 1, y);
    else if (last === "d") this.#to(x, n - 1);
    else if (last === "s") this.#saved = [x, y];
    else if (last === "u") this.#to(...this.#saved);
  }

  /** Sequences that erase part of the screen or of a line: from the cursor on (0), up to it (1), all (2, 3). */
  #erase(part: number, last: string): void {
    const y = this.#y;
    if (last === "K") this.#wipe(y, part === 0 ? this.#x : 0, part === 1 ? this.#x + 1 : undefined);
    if (last !== "J") return;
    if (part === 2 || part === 3) {
      this.#clear();
      return;
    }
    this.#wipe(y, part === 0 ? this.#x : 0, part === 0 ? undefined : this.#x + 1);
    const [from, to] = part === 0 ? [y + 1, this.#rows] : [0, y];
    for (let row = from; row < to; row++) this.#wipe(row);
  }

  /** Sequences that insert, delete and scroll. */
  #edit([first = 0, second = 0]: number[], last: string): void {
    const n = Math.min(first || 1, LARGEST);
    const [x, y] = [Math.min(this.#x, this.#columns - 1), this.#y];
    if (last === "X") this.#wipe(y, x, x + n);
    else if (last === "P") this.#line(y).splice(this.#x, n);
    else if (last === "@") {
      const line = this.#line(y);
      line.splice(this.#x, 0, ...Array<string>(n).fill(" "));
      if (line.length > this.#columns) line.length = this.#columns;
    } else if (last === "L" || last === "M") {
      if (y < this.#top || y > this.#low) return;
      this.#scroll(y, last === "L" ? -n : n);
      this.#x = 0;
    } else if (last === "S") this.#scroll(this.#top, n);
    else if (last === "T") this.#scroll(this.#top, -n);
    else if (last === "r") {
      this.#top = Math.min(n, this.#rows) - 1;
      this.#low = Math.min(second || this.#rows, this.#rows) - 1;
      this.#to(0, 0);
    }
  }

  #escape(single: string): void {
    if (single === "7") this.#saved = [this.#x, this.#y];
    else if (single === "8") this.#to(...this.#saved);
    else if (single === "D") {
      this.#to(this.#x, this.#y);
      this.#feed();
    } else if (single === "E") {
      this.#x = 0;
      this.#feed();
    } else if (single === "M") {
      const first = this.#y === this.#top;
      if (first) this.#scroll(this.#top, -1);
      this.#to(this.#x, this.#y - (first ? 0 : 1));
    } else if (single === "c") this.#clear();
  }

  #clear(): void {
    this.flush();
    this.lines = [];
  }
}
