import { describe, expect, it } from "vitest";
import { type Key, Keys } from "../../helpers/terminal/keys.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);
const typed = (text: string): Key => ({ text, pasted: false });
const pasted = (text: string): Key => ({ text, pasted: true });
const key = (name: string): Key => ({ key: name });

/** Joins neighbouring texts: how they were cut does not matter. */
function joined(keys: Key[]): Key[] {
  const all: Key[] = [];
  for (const next of keys) {
    const last = all.at(-1);
    if (last && "text" in last && "text" in next && last.pasted === next.pasted) last.text += next.text;
    else all.push({ ...next });
  }
  return all;
}

const read = (text: string): Key[] => {
  const keys = new Keys();
  return joined([...keys.feed(bytes(text)), ...keys.flush()]);
};

describe("keys of a terminal", () => {
  it.each<[string, string, Key[]]>([
    ["letters are text", "retry", [typed("retry")]],
    ["letters of every script too", "größe 日本 😀", [typed("größe 日本 😀")]],
    ["arrows", "\x1b[A\x1b[B", [key("up"), key("down")]],
    ["arrows in application mode", "\x1bOA\x1bOB", [key("up"), key("down")]],
    ["arrows with modifiers", "\x1b[1;5A", [key("up")]],
    ["pages", "\x1b[5~\x1b[6~", [key("pageup"), key("pagedown")]],
    ["home and end, of every terminal", "\x1b[H\x1b[1~\x1b[7~\x1bOH", Array(4).fill(key("home"))],
    ["end", "\x1b[F\x1b[4~\x1b[8~\x1bOF", Array(4).fill(key("end"))],
    ["enter, its twin and that of the number pad", "\r\n\x1bOM", Array(3).fill(key("enter"))],
    ["tab", "\t", [key("tab")]],
    ["both backspaces", "\x7f\b", [key("backspace"), key("backspace")]],
    ["control and a letter", "\x03\x10\x19", [key("ctrl-c"), key("ctrl-p"), key("ctrl-y")]],
    ["alt-backspace deletes a word", "\x1b\x7f", [key("ctrl-w")]],
    ["a lone Esc", "\x1b", [key("escape")]],
    ["two of them", "\x1b\x1b", [key("escape"), key("escape")]],
    ["Esc and Enter", "\x1b\r", [key("escape"), key("enter")]],
    ["text around a key", "ab\x1b[Bcd", [typed("ab"), key("down"), typed("cd")]],
    ["keys of a mode that another program left on", "\x1b[27u\x1b[99;5u", [key("escape"), key("ctrl-c")]],
    [
      "pasted text, control characters and all",
      "\x1b[200~a\rb\x1b[Ac\x1b[201~d",
      [pasted("a\rb\x1b[Ac"), typed("d")],
    ],
    ["an empty paste", "\x1b[200~\x1b[201~x", [typed("x")]],
    ["a paste that does not end yet", "\x1b[200~abc", [pasted("abc")]],
  ])("%s", (_, text, keys) => expect(read(text)).toEqual(keys));

  it.each([
    ["function keys", "\x1bOP\x1b[15~\x1b[24;2~"],
    ["function keys of the Linux console", "\x1b[[A\x1b[[E"],
    ["a mouse that another program left on", "\x1b[M !!\x1b[<0;10;5M\x1b[<0;10;5m"],
    ["focus reports", "\x1b[I\x1b[O"],
    ["the cursor's place", "\x1b[24;80R"],
    ["what the terminal is", "\x1b[?62;22c\x1b[>1;10;0c\x1bP>|term 1.0\x1b\\"],
    ["its colours", "\x1b]11;rgb:0000/0000/0000\x07\x1b]10;rgb:ffff/ffff/ffff\x1b\\"],
    ["a file name dropped by an old program", "\x1b_hello\x1b\\\x1b^x\x1b\\\x1bXy\x1b\\"],
    ["Alt and a letter", "\x1bx\x1bé\x1b😀"],
    ["Alt and an arrow, twice escaped", "\x1b\x1b[A\x1b\x1bOB"],
    ["shift-tab, insert and delete", "\x1b[Z\x1b[2~\x1b[3~"],
    ["sequences with intermediates", "\x1b[1$y\x1b[ q"],
    ["control characters without a name", "\x00\x1c\x1d\x1e\x1f"],
    ["C1 control characters", "\u0085\u0090"],
    ["an unfinished sequence", "\x1b[12;"],
    ["an unfinished string", "\x1b]0;title"],
  ])("swallows %s", (_, text) => expect(read(text)).toEqual([]));

  it("goes on after what it swallowed", () => {
    expect(read("\x1b[99;99;99zab\x1b]0;t\x07c")).toEqual([typed("abc")]);
  });

  it("lets a control character break a sequence off", () => {
    expect(read("\x1b[12\x03a")).toEqual([key("ctrl-c"), typed("a")]);
    expect(read("\x1b]0;title\x1b[Ab")).toEqual([key("up"), typed("b")]);
  });

  it("says what a half sequence may become", () => {
    const keys = new Keys();
    const pendings = ["\x1b", "[", "1", "A", "\x1b[200~ab"].map((text) => {
      keys.feed(bytes(text));
      return keys.pending;
    });
    expect(pendings).toEqual(["escape", "sequence", "sequence", "none", "none"]);
  });

  it("keeps pasted text apart over many reads, its end mark cut anywhere", () => {
    const whole = "\x1b[200~one \x1b two\x1b[201~x";
    for (let cut = 1; cut < whole.length; cut++) {
      const keys = new Keys();
      const found = [...keys.feed(bytes(whole.slice(0, cut))), ...keys.feed(bytes(whole.slice(cut)))];
      expect(joined(found)).toEqual([pasted("one \x1b two"), typed("x")]);
    }
  });

  it("does not keep an endless string", () => {
    const keys = new Keys();
    keys.feed(bytes("\x1b]"));
    for (let i = 0; i < 40; i++) keys.feed(bytes("x".repeat(4096)));
    keys.flush();
    expect(keys.feed(bytes("a"))).toEqual([typed("a")]);
  });
});
