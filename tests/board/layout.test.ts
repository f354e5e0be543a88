import { describe, expect, it } from "vitest";
import type { Item } from "../../helpers/board/items.ts";
import { type DrawOptions, layout, listHeight, type Preview } from "../../helpers/board/layout.ts";
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

const preview: Preview = [
  { by: "you", text: "Give the checkout a retry on 502." },
  { by: "claude", text: "I will first list the calls." },
  { by: "tool", text: "Bash(rg -n fetch src)" },
  { by: "claude", text: "Done: three calls retry now." },
];
const mixed = [
  item("Move the setup script", {
    ...live,
    timeText: "3 m",
    project: "/work/space",
    id: "98e44a9f-0000-4000-8000-000000000000",
  }),
  item("Bash(terraform state rm)?  State move", {
    ...waiting,
    timeText: "12 m",
    project: "/work/infra",
    id: "0d6f336f-0000-4000-8000-000000000000",
  }),
  item("Create a fresh Next.js app", {
    ...limited,
    project: "/work/portfolio",
    id: "4bb63347-0000-4000-8000-000000000000",
  }),
  item("Checkout: retry on 502", { ...ready, id: "a1b2c3d4-0000-4000-8000-000000000000" }),
];

const screen = (items: readonly Item[], columns: number, rows: number): string =>
  `\n${shown(layout(picker(items, rows), look(columns, rows), preview)).join("\n")}\n`;

describe("the picker's screen", () => {
  it("has the search, sections, a preview and the keys", () => {
    expect(screen(mixed, 110, 14)).toMatchInlineSnapshot(`
      "
       search ▏                                                                     2 live · 1 limited · 4 sessions
       Needs you                                                         │ Bash(terraform state rm)?  State move
       ▌ 0d6f336f  infra      ◐  Bash(terraform state rm)?…        12 m  │ /work/infra
       Working                                                           │ 0d6f336f · main · 12 m
         98e44a9f  space      ●  Move the setup script              3 m  │ ◐ needs you
       Limited                                                           │
         4bb63347  portfolio  ◷  Create a fresh Next.js app    2 h 11 m  │ you     Give the checkout a retry on
       Recent                                                            │         502.
         a1b2c3d4  shop       ▸  Checkout: retry on 502          Nov 17  │ claude  I will first list the calls.
                                                                         │         Bash(rg -n fetch src)
                                                                         │ claude  Done: three calls retry now.
                                                                         │
                                                                         │
       enter resume   tab here   ctrl-y copy id   / search   ? keys   q quit
      "
    `);
    expect(screen(mixed, 160, 14)).toMatchInlineSnapshot(`
      "
       search ▏                                                                                                                       2 live · 1 limited · 4 sessions
       Needs you                                                                                       │ Bash(terraform state rm)?  State move
       ▌ 0d6f336f  infra      ◐ needs you        Bash(terraform state rm)?  State move           12 m  │ /work/infra
       Working                                                                                         │ 0d6f336f · main · 12 m
         98e44a9f  space      ● working          Move the setup script                            3 m  │ ◐ needs you
       Limited                                                                                         │
         4bb63347  portfolio  ◷ limited → 21:00  Create a fresh Next.js app                  2 h 11 m  │ you     Give the checkout a retry on 502.
       Recent                                                                                          │ claude  I will first list the calls.
         a1b2c3d4  shop       ▸ ready            Checkout: retry on 502                        Nov 17  │         Bash(rg -n fetch src)
                                                                                                       │ claude  Done: three calls retry now.
                                                                                                       │
                                                                                                       │
                                                                                                       │
       enter resume   tab here   ctrl-y copy id   / search   ? keys   q quit
      "
    `);
  });

  it("leaves the preview out on a narrow screen, and what is least needed", () => {
    expect(screen(mixed, 40, 10)).toMatchInlineSnapshot(`
      "
       search ▏        1 limited · 4 sessions
       Needs you
       ▌ infra      ◐  Bash(terraf…      12 m
       Working
         space      ●  Move the se…       3 m
       Limited
         portfolio  ◷  Create a fr…  2 h 11 m
       Recent
         shop       ▸  Checkout: r…    Nov 17
       enter resume   tab here   q quit
      "
    `);
    expect(screen(mixed, 20, 5)).toMatchInlineSnapshot(`
      "
       ▏       4 sessions
      Needs you
      ▌ ◐  Bash(terrafor…
      Working
       enter resume
      "
    `);
  });

  it("has signs for ASCII locales", () => {
    const text = shown(
      layout(picker(mixed.slice(3), 7), look(80, 7, { ascii: true }), [
        { by: "you", text: "x ".repeat(400) },
      ]),
    ).join("\n");
    expect(text.replaceAll("▸", ">")).toMatch(/^[\x20-\x7e\n]*$/);
    expect(text).toContain("> shop");
  });

  it("shows how much of an id has to be typed, and what the search found", () => {
    const paint = (text: string, colour: string | undefined) =>
      text && colour ? `<${colour}:${text}>` : text;
    const unique = new Map([[mixed[3]!.id, 4]]);
    const [, line] = layout(
      picker(mixed.slice(3), 6, { query: "RETRY" }),
      look(120, 6, { paint, unique }),
      null,
    );
    expect(line).toContain("<bold:a1b2><dim:c3d4>");
    expect(line).toContain("<bold:Checkout: ><yellow:retry><bold: on 502>");
  });

  it.each<[string, Partial<State>, RegExp]>([
    ["while it reads", { items: [], total: null, complete: false }, /reading/],
    ["without sessions", { items: [], total: 0 }, /no sessions yet.*start one: claude/s],
    ["when nothing fits", { query: "zzz" }, /no session matches "zzz".*ccr-find zzz/s],
  ])("says what is the matter %s", (_, news, text) => {
    expect(shown(layout(picker(news.items ?? mixed, 10, news), look(80, 10), null)).join("\n")).toMatch(text);
  });

  it("says where Tab leads, and how many there are", () => {
    const all = picker(mixed, 8);
    const [here] = handleKey(all, { key: "tab" });
    const text = shown(layout(here, look(80, 8), null));
    expect(text[0]).toMatch(/here web · 0 of 4$/);
    expect(text.join("\n")).toContain("no sessions in this directory");
    expect(text.at(-1)).toContain("tab project");
    expect(
      shown(
        layout(
          picker(
            Array.from({ length: 1204 }, () => mixed[3]!),
            8,
          ),
          look(80, 8),
          null,
        ),
      )[0],
    ).toMatch(/1,204 sessions$/);
  });

  it("says a problem above the keys, in full", () => {
    const notice = {
      lines: ["a1b2c3d4 is running already: pid 7.", "work in a copy: ccr a1b2c3d4 --fork"],
      bad: true,
    };
    const text = shown(layout({ ...picker(mixed, 10), notice }, look(40, 10), null));
    expect(text.slice(-3)).toEqual([
      " a1b2c3d4 is running already: pid 7.",
      " work in a copy: ccr a1b2c3d4 --fork",
      " enter resume   tab here   q quit",
    ]);
  });

  it("shows the keys on demand", () => {
    const [help] = handleKey(picker(mixed, 24), { text: "?", pasted: false });
    const text = shown(layout(help, look(80, 24), preview));
    expect(text.join("\n")).toMatch(/ctrl-y {6}copy its id.*ctrl-z {6}suspend/s);
    expect(text.at(-1)).toBe(" any key back");
  });

  it("shows the end of a long search", () => {
    const text = shown(
      layout(picker(mixed, 6, { query: `first ${"word ".repeat(30)}last` }), look(40, 6), null),
    );
    expect(text[0]).toMatch(/^ search ….*last▏/);
  });

  it("shows why a transcript cannot be read", () => {
    expect(shown(layout(picker(mixed, 12), look(100, 12), "no permission.")).join("\n")).toContain(
      "no permission.",
    );
  });

  it("shows the end of Claude's long answer and the beginning of a long prompt", () => {
    const long = Array.from({ length: 200 }, (_, i) => `line${i}`).join("\n");
    const text = (by: "you" | "claude") =>
      shown(layout(picker(mixed, 16), look(100, 16), [{ by, text: long }])).join("\n");
    expect(text("claude")).toMatch(/claude {2}…line\d+.*line199/s);
    expect(text("you")).toMatch(/you {5}line0/);
    expect(text("you")).not.toContain("line199");
  });
});
