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

const ACTING: Record<string, string> = {
  "asks for the kind of terminal": "\x1b[c\x1b[>c\x1b[=c\x1b[>0q",
  "asks where the cursor is": "\x1b[6n\x1b[?6n\x1b[5n",
  "asks for modes and keys": "\x1b[?2026$p\x1b[?u\x1b[?4m",
  "asks for colours": "\x1b]10;?\x07\x1b]11;?\x1b\\",
  "writes to the clipboard": "\x1b]52;c;cm0gLXJmIH4=\x07",
  "names the window": "\x1b]0;title\x07\x1b]2;title\x1b\\\x1bktitle\x1b\\",
  "makes links": "\x1b]8;;https://example.com\x07\x1b]8;;\x07",
  "sends notices": "\x1b]9;notice\x07\x1b]777;notify;a;b\x07",
  "speaks through another terminal": "\x1bPtmux;\x1b\x1b]52;c;eA==\x07\x1b\\".replace("\x1b\x1b", ""),
  "draws by other protocols": "\x1b_Gi=31,s=1;AAAA\x1b\\\x1bPq#0\x1b\\",
  "changes what keys and mouse send":
    "\x1b[?1000h\x1b[?1002;1006h\x1b[?1004h\x1b[?2004h\x1b[?1h\x1b=\x1b[>1u\x1b[<u\x1b[>4;2m",
  "moves or resizes the window": "\x1b[8;10;20t\x1b[3;0;0t\x1b[14t",
  "prints on paper": "\x1b[5i\x1b[4i",
  "empties the scrollback": "\x1b[3J",
  "rings, answers back": "\x07\x05",
  "hides in the second control set": "\u009b6n\u009d52;c;eA==\u009c",
  "sets the leds": "\x1b[1q",
  "hides behind a lone escape": "\x1b\x1b[6n",
};

describe("a recording shown on a terminal", () => {
  test.each(Object.entries(ACTING))("leaves out what %s", (_, text) => {
    expect(tamed(`before${text}after`).replace(/52;c;eA==|6n/g, "")).toBe("beforeafter");
    expect(tamed(text)).not.toMatch(/\x1b|\x07|\x05|[\u0080-\u009f]/);
  });

  test("keeps what draws, wherever it is cut", () => {
    for (const one of DRAWING) expect(tamed(one)).toBe(one);
    expect(tamed("\x1b[?1049h\x1b[?25l\x1b[?1000;25h")).toBe("\x1b[?1049h\x1b[?25l\x1b[?25h");
    const parts = fc.array(fc.constantFrom(...DRAWING, ...Object.values(ACTING)), { maxLength: 12 });
    fc.assert(
      fc.property(parts, fc.array(fc.nat(500), { maxLength: 8 }), (all, places) => {
        const text = all.join("");
        expect(tamed(...cut(text, places))).toBe(tamed(text));
      }),
    );
  });

  test("knows whether the alternate screen is on", () => {
    const tame = new AnsiFilter();
    tame.feed("\x1b[?1049h");
    expect(tame.alternate).toBe(true);
    tame.feed("\x1b[?25h\x1b[?1049l");
    expect(tame.alternate).toBe(false);
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

  test("has wide and joined characters", async () => {
    const text = "日本語 e\u0301 \x1b[1;3Hx\r\n漢字\b\bz";
    expect(shown([text])).toEqual(await rows(text));
  });

  test("reports each line once: when it scrolls away, is erased, or is read", () => {
    const told: string[] = [];
    const grid = new ScreenBuffer((line) => told.push(line.trimEnd()));
    grid.resize(20, 3);
    grid.feed("one\r\ntwo\r\nthree\r\nfour");
    expect(told).toEqual(["one", "two", "three"]);
    grid.flush();
    grid.flush();
    expect(told).toEqual(["one", "two", "three", "four"]);
    grid.feed("\x1b[2J\x1b[Hfive\x1b[2J");
    expect(told.at(-1)).toBe("five");
  });
});
