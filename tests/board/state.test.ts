import { describe, expect, it } from "vitest";
import type { Item } from "../../helpers/board/items.ts";
import {
  addResults,
  type Effect,
  handleKey,
  initialState,
  nextScope,
  type State,
  scopeDirectory,
  scroll,
  selectedItem,
} from "../../helpers/board/state.ts";
import { item, limited, live, waiting } from "./items.ts";

const HERE = "/work/web";
const items: Item[] = [
  item("Checkout: retry on 502"),
  item("Rate limits in the gateway", { project: HERE, prompts: "retry after the header" }),
  item("Größe of the cart"),
  item("Terraform state move", { project: "/work/infra" }),
];

function picker(all: readonly Item[] = items, height = 10, query = ""): State {
  const news = { items: all, total: all.length, complete: true, settled: false };
  return addResults(initialState(query, HERE, height), news);
}

/** Presses keys by name; words in quotes are typed, in backquotes pasted. */
function pressed(state: State, ...keys: string[]): { state: State; effect: Effect | undefined } {
  let effect: Effect | undefined;
  for (const name of keys) {
    const quoted = /^(["`])(.*)\1$/s.exec(name);
    const key = quoted ? { text: quoted[2]!, pasted: quoted[1] === "`" } : { key: name };
    [state, effect] = handleKey(state, key);
  }
  return { state, effect };
}

const given = (...keys: string[]): State => pressed(picker(), ...keys).state;
const titles = (state: State): string[] => state.matches.map(({ title }) => title);
const mark = (state: State): string | undefined => selectedItem(state)?.title;

describe("the picker's search", () => {
  it.each<[string[], string, number]>([
    [['"retry"'], "retry", 2],
    [['"gateway retry"'], "gateway retry", 1],
    [['"RETRY"', '" 5"'], "RETRY 5", 1],
    [['"grosse"'], "grosse", 1],
    [['"infra"'], "infra", 1],
    [['"x"'], "x", 0],
    [['"retry"', "backspace", "backspace"], "ret", 2],
    [['"cart e\u0301"', "backspace"], "cart ", 1],
    [['"a😀"', "backspace"], "a", 3],
    [["backspace"], "", 4],
    [['"retry the"', "ctrl-w"], "retry ", 2],
    [['"retry  "', "ctrl-w"], "", 4],
    [['"retry"', "ctrl-u"], "", 4],
    [['"retry"', "escape"], "", 4],
    [['" retry"'], " retry", 2],
    [["`q`"], "q", 0],
    [["`?`"], "?", 0],
    [["`re\r\n\ttry\x1b[31m`"], "re try [31m", 0],
    [["`\u202eretry`"], "retry", 2],
    [['"/"', '"q"'], "q", 0],
    [['"/q"'], "q", 0],
    [['"/"', '"/"'], "/", 4],
    [['"re"', '"q"'], "req", 0],
    [['"quick"'], "quick", 0],
    [["left", "ctrl-a", "f1"], "", 4],
  ])("after %j the search is %j and %i are found", (keys, query, count) => {
    const state = given(...keys);
    expect([state.query, state.matches.length]).toEqual([query, count]);
  });

  it("marks the first that fits, ones that fit by their title first", () => {
    expect(mark(given("end", '"retry"'))).toBe("Checkout: retry on 502");
    expect(titles(given('"retry"'))).toEqual(["Checkout: retry on 502", "Rate limits in the gateway"]);
  });

  it("keeps the marked one when the search is cleared", () => {
    expect(mark(given('"retry"', "down", "escape"))).toBe("Rate limits in the gateway");
  });

  it("begins with a search that was given", () =>
    expect(titles(picker(items, 10, " terraform "))).toHaveLength(1));

  it("keeps no endless text", () => {
    expect(given(`\`${"word ".repeat(100_000)}\``).query.length).toBeLessThanOrEqual(200);
    expect(given('"x"', `"${"😀".repeat(300)}"`).query).toMatch(/^x(?:😀)+$/u);
  });
});

describe("the picker's keys", () => {
  it.each<[string[], Effect | undefined]>([
    [["enter"], { do: "choose", item: items[0]! }],
    [["down", "enter"], { do: "choose", item: items[1]! }],
    [["ctrl-y"], { do: "copy", item: items[0]! }],
    [['"nothing fits"', "enter"], undefined],
    [['"nothing fits"', "ctrl-y"], undefined],
    [["escape"], { do: "quit", status: 0 }],
    [['"a"', "escape"], undefined],
    [['"a"', "escape", "escape"], { do: "quit", status: 0 }],
    [['"q"'], { do: "quit", status: 0 }],
    [['"a"', '"q"'], undefined],
    [["ctrl-c"], { do: "quit", status: 130 }],
    [['"a"', "ctrl-c"], { do: "quit", status: 130 }],
    [["ctrl-d"], { do: "quit", status: 0 }],
    [['"a"', "ctrl-d"], undefined],
    [["ctrl-z"], { do: "suspend" }],
    [["ctrl-l"], { do: "redraw" }],
    [['"?"', "ctrl-c"], { do: "quit", status: 130 }],
    [['"?"', '"q"'], undefined],
    [['"?"', "enter"], undefined],
  ])("%j does %j", (keys, effect) => expect(pressed(picker(), ...keys).effect).toEqual(effect));

  it("shows the keys, until any key", () => {
    expect(given('"?"').help).toBe(true);
    expect(given('"?"', '"x"')).toMatchObject({ help: false, query: "" });
  });

  it("forgets what it said at the next key", () => {
    const said = { ...picker(), notice: { lines: ["copied"], bad: false } };
    expect(pressed(said, "down").state.notice).toBeNull();
  });
});

describe("the picker's mark", () => {
  const many = Array.from({ length: 50 }, (_, i) => item(`session ${i}`));
  it.each<[string[], number, number]>([
    [["down"], 1, 0],
    [["ctrl-n", "ctrl-n", "ctrl-p"], 1, 0],
    [["up"], 0, 0],
    [["pagedown"], 9, 0],
    [["pagedown", "pagedown"], 18, 9],
    [["end"], 49, 40],
    [["end", "down"], 49, 40],
    [["end", "pageup"], 40, 40],
    [["end", "pageup", "up"], 39, 39],
    [["end", "home"], 0, 0],
  ])("after %j row %i is marked and row %i is on top", (keys, marked, top) => {
    const { state } = pressed(picker(many), ...keys);
    expect([mark(state), state.top]).toEqual([`session ${marked}`, top]);
  });

  it("keeps the mark on the screen when that shrinks", () => {
    const { state } = pressed(picker(many), "pagedown");
    expect(scroll({ ...state, height: 3 }).top).toBe(7);
  });

  it("does nothing where nothing is", () => {
    expect(pressed(picker([]), "down", "end", "tab", "tab").state.selected).toBeUndefined();
  });
});

describe("the picker's sections", () => {
  const mixed = [items[0]!, item("a", live), item("b", limited), item("c", waiting), item("d", live)];
  const rows = (state: State): string[] =>
    state.rows.map((row) =>
      "section" in row ? row.section.toUpperCase() : "note" in row ? row.note : row.item.title,
    );

  it("stand in the order of urgency, newest first within", () => {
    expect(rows(picker(mixed))).toEqual([
      "NEEDS YOU",
      "c",
      "WORKING",
      "a",
      "d",
      "LIMITED",
      "b",
      "RECENT",
      items[0]!.title,
    ]);
  });
  it("have no names where all are recent, nor in a search", () => {
    expect(rows(picker())).toEqual(titles(picker()));
    expect(rows(pressed(picker(mixed), '"retry"').state)).toEqual([items[0]!.title]);
  });
  it("are skipped by the mark, and scroll in with their first session", () => {
    const state = picker(mixed, 3);
    const down = pressed(state, "down", "down", "down", "down").state;
    expect([mark(down), down.top]).toEqual([items[0]!.title, 6]);
    const up = pressed(down, "up", "up", "up", "up").state;
    expect([mark(up), up.top]).toEqual(["c", 0]);
  });
});

describe("the picker's scopes", () => {
  it("go from all to here to the project of what was marked, and back to what was marked", () => {
    const steps = [["end"], ["tab"], ["tab"], ["tab"]];
    let state = picker();
    const seen = steps.map((keys) => {
      state = pressed(state, ...keys).state;
      return [state.scope, scopeDirectory(state), titles(state).length, mark(state)];
    });
    expect(seen).toEqual([
      ["all", null, 4, "Terraform state move"],
      ["here", HERE, 1, "Rate limits in the gateway"],
      ["project", "/work/infra", 1, "Terraform state move"],
      ["all", null, 4, "Terraform state move"],
    ]);
  });
  it("leave the project out where it is here", () => {
    const here = pressed(picker(), "down", "tab").state;
    expect([here.scope, nextScope(here)]).toEqual(["here", "all"]);
  });
  it("keep the search", () =>
    expect(titles(given('"retry"', "tab"))).toEqual(["Rate limits in the gateway"]));
});

describe("the picker's list while it is still read", () => {
  const half = addResults(initialState("", HERE, 10), {
    items: items.slice(2),
    total: null,
    complete: false,
    settled: false,
  });

  it("moves the mark to the newest while nobody has seen it", () => {
    expect(mark(addResults(half, { items, total: 4, complete: true, settled: false }))).toBe(items[0]!.title);
  });
  it("leaves it where it is once it was seen, or a key was pressed", () => {
    expect(mark(addResults(half, { items, total: 4, complete: true, settled: true }))).toBe(items[2]!.title);
    const moved = pressed(half, "down").state;
    expect(moved.settled).toBe(true);
    expect(mark(addResults(moved, { items, total: 4, complete: true, settled: moved.settled }))).toBe(
      items[3]!.title,
    );
  });
  it("is searched as it comes", () => {
    const searching = pressed(half, '"gateway"').state;
    expect(titles(searching)).toEqual([]);
    expect(mark(addResults(searching, { items, total: 4, complete: true, settled: true }))).toBe(
      items[1]!.title,
    );
  });
});

describe("the board's letters", () => {
  const [working, stopped, done] = [item("Works", live), item("Limited one", limited), item("Over")];
  const board = (marked: Item): State => {
    const news = { items: [working, stopped, done], total: 3, complete: true, settled: false };
    const state = addResults(initialState("", "/work/web", 20, true), news);
    return { ...state, selected: marked.key };
  };

  it("ask before they stop or resume, and Enter says yes", () => {
    const { state, effect } = pressed(board(working), '"s"');
    expect(effect).toBeUndefined();
    expect(state.notice?.lines.join()).toMatch(/stop .* Works, which is working\?.*enter yes/);
    expect(pressed(state, "enter").effect).toEqual({ do: "stop", item: working });
    expect(pressed(board(stopped), '"r"', "enter").effect).toEqual({ do: "resume", item: stopped });
    expect(pressed(board(done), '"l"').effect).toEqual({ do: "logs", item: done });
  });

  it.each([
    ["escape", ""],
    ["down", ""],
    ['"h"', "sh"],
    ['"s"', "ss"],
    ['"?"', "s?"],
  ])("are taken back by %s, which leaves the search %j", (key, query) => {
    const { state, effect } = pressed(board(working), '"s"', key);
    expect([effect, state.query, state.confirm, state.notice]).toEqual([undefined, query, null, null]);
    expect(["choose", undefined]).toContain(pressed(state, "enter").effect?.do);
  });

  it("do nothing where there is nothing to do, and say so", () => {
    for (const [letter, on, why] of [
      ['"s"', done, "is not running"],
      ['"s"', stopped, "is not running"],
      ['"r"', done, "is not limited"],
      ['"r"', working, "is running"],
    ] as const) {
      const { state } = pressed(board(on), letter);
      expect(state.notice?.lines.join()).toContain(why);
      expect(pressed(state, "enter").effect).toBeUndefined();
      expect(pressed(state, '"x"').state.query).toBe(`${letter[1]}x`);
    }
  });

  it("are text in a search, when pasted, after /, and where a session is only chosen", () => {
    for (const letter of ["s", "r", "l"]) {
      expect(pressed(board(working), '"x"', `"${letter}"`).state.query).toBe(`x${letter}`);
      expect(pressed(board(working), '"/"', `"${letter}"`).state.query).toBe(letter);
      expect(handleKey(board(working), { text: letter, pasted: true })[0].query).toBe(letter);
      expect(pressed({ ...board(working), board: false }, `"${letter}"`).state.query).toBe(letter);
    }
  });

  it("say above the list which machines are silent", () => {
    const state = addResults(board(working), {
      ...{ items: [working, done], total: 2, complete: true, settled: true },
      notes: ["box unreachable: no route"],
    });
    expect(state.rows[0]).toEqual({ note: "box unreachable: no route" });
    expect(state.top).toBe(0);
    expect(pressed(state, '"over"').state.rows.some((row) => "note" in row)).toBe(false);
  });
});
