import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { alwaysQuote, commandLine, quote } from "../../helpers/system/shell-quote.ts";

describe("quoting for a shell", () => {
  const words = ["", "a b", "it's", "$(x) `y`", "*", "~", "=tmux", "a=b", "-n", "\n", "\\", "é"];

  it("gives sh exactly the words that were quoted", () => {
    const print = (quoted: string[]): string =>
      execFileSync("sh", ["-c", `printf '%s\\0' ${quoted.join(" ")}`], { encoding: "utf8" });
    const expected = words.map((word) => `${word}\0`).join("");
    expect(print(words.map(quote))).toBe(expected);
    expect(print(words.map(alwaysQuote))).toBe(expected);
  });

  it("leaves plain words as they are, but not a leading = that zsh would expand", () => {
    expect(["/a/b-c.txt", "a=b", "you@host:x,y+z%"].map(quote)).toEqual([
      "/a/b-c.txt",
      "a=b",
      "you@host:x,y+z%",
    ]);
    expect(quote("=tmux")).toBe("'=tmux'");
  });

  it("writes a command line with its directory", () => {
    expect(commandLine("/my dir", ["claude", "it's"])).toBe("cd '/my dir' && claude 'it'\\''s'");
  });
});
