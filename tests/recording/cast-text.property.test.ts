// What of a recording reaches a terminal, and what the screen holds: checked with a terminal emulator.

import xterm from "@xterm/headless";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AnsiFilter, ScreenBuffer } from "../../helpers/recording/cast-text.ts";

const tamed = (...pieces: string[]): string => {
  const tame = new AnsiFilter();
  return pieces.map((piece) => tame.feed(piece)).join("");
};

/** Pieces of a text, cut anywhere. */
const cut = (text: string, places: readonly number[]): string[] => {
  const at = [0, ...places.map((place) => place % (text.length + 1)).sort((a, b) => a - b), text.length];
  return at.slice(1).map((end, i) => text.slice(at[i], end));
};

const DRAWING = [
  "plain wörld 日本 text\r\n",
  "\x1b[1;31mred\x1b[0m",
  "\x1b[38;2;1;2;3mrgb\x1b[m",
  "\x1b[5;10H",
  "\x1b[2J",
  "\x1b[K",
  "\x1b[1K",
  "\x1b[3;7r",
  "\x1b[2L",
  "\x1b[M",
  "\x1b[4P",
  "\x1b[3@",
  "\x1b[2X",
  "\x1b[2S",
  "\x1b[T",
  "\x1bM",
  "\x1bD",
  "\x1bE",
  "\x1b7",
  "\x1b8",
  "\x1b[3A",
  "\x1b[2B",
  "\x1b[4C",
  "\x1b[2D",
  "\x1b[7G",
  "\x1b[4d",
  "\x1b[J",
  "\x1b[1J",
  "\b\b",
  "\t",
  "\n",
];

describe("a recording shown on a terminal", () => {
  test("lets through nothing but allowed sequences, whatever it holds", () => {
    const junk = fc.array(fc.constantFrom(..."\x1b[]PX^_k\\?>;:0123456789 chlmnqtuJH\x07\x9b\x18a"), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(junk, fc.array(fc.nat(60), { maxLength: 3 }), (all, places) => {
        const text = tamed(...cut(all.join(""), places));
        const left = text.replace(
          /\x1b(?:\[[?]?[\d;:]*[@-HJ-MPSTXZ`abdefhlmrsu]|[78DEHM]|[()][0AB]|#8|\[!p)/g,
          "",
        );
        expect(left).not.toMatch(/[\x00-\x08\x0e-\x1f\x7f-\x9f]/);
        expect(text).not.toMatch(/\x1b\[(?:3J|[\d;]*[nctq])/);
      }),
      { numRuns: 500, seed: 7 },
    );
  });
});

describe("the text of a recording's screen", () => {
  /** The rows as an emulator has them. */
  async function rows(text: string): Promise<string[]> {
    const terminal = new xterm.Terminal({ cols: 40, rows: 10, allowProposedApi: true, scrollback: 0 });
    await new Promise<void>((done) => terminal.write(text, done));
    const { active } = terminal.buffer;
    const found = Array.from({ length: 10 }, (_, y) =>
      active
        .getLine(active.baseY + y)!
        .translateToString(true)
        .trimEnd(),
    );
    terminal.dispose();
    return found;
  }

  const shown = (pieces: readonly string[]): string[] => {
    const grid = new ScreenBuffer(() => {});
    grid.resize(40, 10);
    for (const piece of pieces) grid.feed(piece);
    return Array.from({ length: 10 }, (_, y) =>
      Array.from(grid.lines[y] ?? [], (character) => character ?? " ")
        .join("")
        .trimEnd(),
    );
  };

  test("is that of an emulator, whatever draws and wherever it is cut", async () => {
    const words = fc.constantFrom("word ", "some more words ", "x", "a\r\nb", "line\r\n");
    const drawing = fc.constantFrom(...DRAWING.filter((one) => !/日/.test(one)));
    const parts = fc.array(fc.oneof(words, drawing), { maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(parts, fc.array(fc.nat(500), { maxLength: 8 }), async (all, places) => {
        const text = all.join("");
        expect(shown(cut(text, places))).toEqual(await rows(text));
      }),
      { numRuns: 500, seed: 7 },
    );
  });
});
