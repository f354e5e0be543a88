// Turns the bytes of a terminal into keys and text.
import { StringDecoder } from "node:string_decoder";

/** A key by name (`up`, `enter`, `ctrl-y`, …), or text that was typed or pasted. */
export type Key = { key: string } | { text: string; pasted: boolean };

const CONTROL: Record<number, string> = {
  8: "backspace",
  9: "tab",
  10: "enter",
  13: "enter",
  127: "backspace",
};
/** By the last character of a sequence, or the number before a `~`. */
const NAMED: Record<string, string> = {
  A: "up",
  B: "down",
  F: "end",
  H: "home",
  1: "home",
  4: "end",
  5: "pageup",
  6: "pagedown",
  7: "home",
  8: "end",
};
const ESC = "\u001b";
const PASTE_END = `${ESC}[201~`;
const TEXT = /^[^\0-\x1f\x7f-\x9f]+/;
/** Linux function keys, X10 mouse, CSI, SS3, and control strings such as answers to queries of other programs. */
const SEQUENCE =
  /^\x1b(?:\x1b?\[\[.|\[M.{3}|(\x1b?)(?:\[(?!M)([0-?]*)[ -/]*([@-Z\\-~])|O([^\0-\x1f]))|[\]P^_X][^\x07\x18\x1b]*(?:[\x07\x18]|\x1b\\))/s;
const BEGINNING = /^\x1b(?:\x1b?(?:\[[ -?]*|\[\[|\[M.{0,2}|O)?|[\]P^_X][^\x07\x18\x1b]*\x1b?)$/s;
const BROKEN = /^\x1b(?:\x1b?(?:\[[ -?]*|O)|[\]P^_X][^\x07\x18\x1b]*)/;
/** No terminal sends a control string longer than this. */
const LONGEST = 65_536;

/** Parses terminal input into keys. Sequences and characters may be split anywhere; unknown ones are ignored. */
export class Keys {
  #rest = "";
  #pasting = false;
  readonly #decoder = new StringDecoder("utf8");

  /** What an incomplete sequence is: `escape` becomes the Esc key if nothing follows, `sequence` is dropped then. */
  get pending(): "none" | "escape" | "sequence" {
    if (this.#rest === "" || this.#pasting) return "none";
    return this.#rest === ESC || this.#rest === ESC + ESC ? "escape" : "sequence";
  }

  /** Returns the keys that are complete after these bytes. */
  feed(bytes: Uint8Array): Key[] {
    this.#rest += this.#decoder.write(bytes as Buffer).replaceAll("\u009b", `${ESC}[`);
    const found: Key[] = [];
    while (this.#rest !== "" && this.#next(found));
    return found;
  }

  /** Ends an incomplete sequence because nothing followed it. Returns the Esc keys that it was. */
  flush(): Key[] {
    const escapes = this.pending === "escape" ? this.#rest.length : 0;
    if (!this.#pasting) this.#rest = "";
    return Array.from({ length: escapes }, () => ({ key: "escape" }));
  }

  /** Parses one key from the front; false if more bytes are needed. */
  #next(found: Key[]): boolean {
    const rest = this.#rest;
    if (this.#pasting) return this.#paste(found);
    const text = TEXT.exec(rest)?.[0];
    if (text) {
      found.push({ text, pasted: false });
      return this.#drop(text.length);
    }
    if (rest[0] !== ESC) {
      control(rest.charCodeAt(0), found);
      return this.#drop(1);
    }
    const sequence = SEQUENCE.exec(rest);
    if (sequence) {
      const [whole, alt, parameters, last, single] = sequence;
      this.#pasting = whole === `${ESC}[200~`;
      // Some terminals send Esc Esc [ A for Alt-Up, which has no use here.
      if (single === "M") found.push({ key: "enter" });
      else if (!alt) named(parameters ?? "", last ?? single ?? "", found);
      return this.#drop(whole.length);
    }
    if (BEGINNING.test(rest) && rest.length < LONGEST) return false;
    const broken = BROKEN.exec(rest)?.[0];
    if (broken) return this.#drop(broken.length);
    // Alt with a character: only Alt-Backspace has a use here. Otherwise it is Esc and another key.
    const [, second = ""] = rest;
    if (second === "\u007f" || second === "\b") found.push({ key: "ctrl-w" });
    else if (second < " ") {
      found.push({ key: "escape" });
      return this.#drop(1);
    }
    return this.#drop(1 + second.length);
  }

  /** Reads pasted text up to its end mark, which may be split between two reads. */
  #paste(found: Key[]): boolean {
    const rest = this.#rest;
    let end = rest.indexOf(PASTE_END);
    const ended = end >= 0;
    if (!ended) {
      end = rest.lastIndexOf(ESC);
      if (end < 0 || !PASTE_END.startsWith(rest.slice(end))) end = rest.length;
    }
    if (end > 0) found.push({ text: rest.slice(0, end), pasted: true });
    this.#pasting = !ended;
    this.#drop(ended ? end + PASTE_END.length : end);
    return ended;
  }

  #drop(length: number): true {
    this.#rest = this.#rest.slice(length);
    return true;
  }
}

function control(code: number, found: Key[]): void {
  const key = CONTROL[code] ?? (code > 0 && code < 27 ? `ctrl-${String.fromCharCode(96 + code)}` : undefined);
  if (key) found.push({ key });
}

function named(parameters: string, last: string, found: Key[]): void {
  const [code = "", modifiers = "1"] = parameters.split(";");
  if (last === "u") {
    // `CSI code ; modifiers u`, from a terminal that another program left in this mode.
    const number = Number.parseInt(code, 10);
    const ctrl = ((Number.parseInt(modifiers, 10) - 1) & 4) !== 0 && number > 96;
    if (number === 27) found.push({ key: "escape" });
    else control(ctrl ? number - 96 : number, found);
    return;
  }
  const key = NAMED[last === "~" ? code : last];
  if (key && /^[\d;:]*$/.test(parameters)) found.push({ key });
}
