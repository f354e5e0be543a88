import { describe, expect, it } from "vitest";
import { COMMANDS } from "../../helpers/command-table.ts";
import { checkName, namesOf } from "../../helpers/install/names.ts";
import { alwaysQuote, fishQuote } from "../../helpers/system/shell-quote.ts";

const commands = [{ name: "list", alias: "ccr-list" }, { name: "open", alias: "cct" }, { name: "version" }];

describe("the names of installed commands", () => {
  it("are ccr and the classic names of commands that exist", () => {
    expect(namesOf("ccr", commands)).toEqual([
      { name: "ccr", words: [] },
      { name: "ccr-list", words: ["list"] },
      { name: "cct", words: ["open"] },
    ]);
  });

  it("follow another name, except those that do not begin with ccr-", () => {
    expect(namesOf("cr", commands).map(({ name }) => name)).toEqual(["cr", "cr-list", "cct"]);
  });

  it("are those of the contract, and each is there once", () => {
    const contract =
      /^(ccr(-(list|find|current|stats|check-limits|export|import|archive))?|cct(-list|-kill)?|ccra)$/;
    const names = namesOf("ccr", COMMANDS).map(({ name }) => name);
    expect(names.filter((name) => !contract.test(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(["cr", "claude-resume", "C2_x"])("can be %s", (name) => {
    expect(() => checkName(name, ["ccr-list", "cct"])).not.toThrow();
  });

  it.each(["", "-x", "a b", "a;b", "$(id)", "../x", "cd", "if", "claude", "cct", "x".repeat(40), "é"])(
    "cannot be %j",
    (name) => {
      expect(() => checkName(name, ["ccr-list", "cct"])).toThrow(/invalid name/);
    },
  );
});

describe("quoting", () => {
  it("makes one inert word", () => {
    expect(alwaysQuote("it's $(a) `b`")).toBe("'it'\\''s $(a) `b`'");
    expect(fishQuote("it's \\ $(a)")).toBe("'it\\'s \\\\ $(a)'");
  });
});
