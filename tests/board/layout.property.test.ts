import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Item } from "../../helpers/board/items.ts";
import { type DrawOptions, layout, listHeight } from "../../helpers/board/layout.ts";
import { addResults, handleKey, initialState, type State } from "../../helpers/board/state.ts";
import { width } from "../../helpers/terminal/text.ts";
import { item, limited, live, ready, waiting } from "./items.ts";

const look = (columns: number, rows: number, more: Partial<DrawOptions> = {}): DrawOptions => ({
  columns,
  rows,
  ascii: false,
  paint: (text) => text,
  name: (project) => project?.split("/").at(-1) ?? "-",
  unique: new Map(),
  ...more,
});

const picker = (items: readonly Item[], rows: number, news: Partial<State> = {}): State =>
  addResults(initialState(news.query ?? "", "/work/web", listHeight(rows)), {
    items,
    total: items.length,
    complete: true,
    settled: false,
    ...news,
  });

/** Lines as a terminal shows them: the bar's place is where the line says. */
function shown(lines: readonly string[]): string[] {
  return lines.map((line) => {
    const [left = "", place, right = ""] = line.split(/\x1b\[(\d+)G/);
    if (place === undefined) return left.trimEnd();
    return (left + " ".repeat(Math.max(0, Number(place) - 1 - width(left))) + right).trimEnd();
  });
}

describe("the screen of the board", () => {
  const hostile = [
    "\x1b[31mred\x1b]0;t\x07",
    "日本語のとても長いタイトル",
    "e\u0301".repeat(40),
    "👩‍👩‍👧‍👦 family",
    "\u202egnp.exe",
    "x".repeat(300),
    "",
    "a\nb\tc",
  ];
  const text = fc.constantFrom(...hostile, "Checkout: retry");
  const items = fc.array(
    fc.record({
      title: text,
      kind: fc.constantFrom(live, waiting, limited, ready, {}),
      project: fc.constantFrom("/work/shop", "/日本/語", null),
    }),
    { maxLength: 30 },
  );
  const keys = fc.array(
    fc
      .constantFrom(
        "down",
        "up",
        "end",
        "pagedown",
        "tab",
        "backspace",
        "ctrl-u",
        "T:re",
        "T:日",
        "T:?",
        "P:\x1b[2J\n x",
      )
      .map((name) => (name[1] === ":" ? { text: name.slice(2), pasted: name[0] === "P" } : { key: name })),
    { maxLength: 12 },
  );
  it("has as many lines as rows, none too wide, and no control characters but our own", () => {
    fc.assert(
      fc.property(
        items,
        keys,
        fc.integer({ min: 20, max: 130 }),
        fc.integer({ min: 3, max: 40 }),
        text,
        (made, pressed, columns, rows, said) => {
          let state = picker(
            // Titles are cleaned before they come here; the text of messages and notices is not.
            made.map(({ title, kind, project }) =>
              item(title.replace(/[\x00-\x1f\u202e]/g, ""), { ...kind, project }),
            ),
            rows,
          );
          for (const key of pressed) [state] = handleKey(state, key);
          if (said.length % 2) state = { ...state, notice: { lines: [said, said], bad: true } };
          const lines = layout(state, look(columns, rows), [
            { by: "you", text: said },
            { by: "claude", text: said },
            { by: "tool", text: said },
          ]);
          expect(lines).toHaveLength(rows);
          for (const line of shown(lines)) {
            expect(width(line)).toBeLessThanOrEqual(columns);
            expect(line).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});
