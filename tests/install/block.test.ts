import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { drop, has, put } from "../../helpers/install/block.ts";

const lines = ["if true; then", "  :", "fi"];
const begin = '# >>> ccr >>> "ccr install" writes these lines, "ccr uninstall" removes them';
const block = [begin, ...lines, "# <<< ccr <<<"].join("\n");

/** Any bytes as latin1, with the pieces that make rc files difficult among them; never one of our markers. */
const bytes = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 20 }).map((part) => Buffer.from(part).toString("latin1")),
      fc.constantFrom(
        "\n",
        "\r\n",
        "\r",
        "\0",
        "\\\n",
        "export A=1\n",
        "# >>> conda >>>\n",
        "#!/bin/bash\n",
        "fi",
      ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(""))
  .filter((text) => !has(text));
const place = fc.constantFrom<"top" | "end">("top", "end");

describe("the marked block", () => {
  it("goes on top, and everything else follows unchanged", () => {
    expect(put("a\r\nb", lines, "top")).toBe(`${block}\na\r\nb`);
  });

  it("goes to the end, after the last line", () => {
    expect(put("a\n", lines, "end")).toBe(`a\n${block}\n`);
  });

  it("begins on a line of its own where the last line has no end, and remembers that", () => {
    const text = put("a", lines, "end") as string;
    expect(text).toMatch(/^a\n# >>> ccr >>> .* \(with the line end before\)\n/);
    expect(drop(text)).toBe("a");
  });

  it("keeps lines apart when something was written below it later", () => {
    const text = put("a", lines, "end") as string;
    expect(drop(`${text}b\n`)).toBe("a\nb\n");
  });

  it("is the whole of a file that did not exist, and takes that file with it", () => {
    const text = put(null, lines, "top") as string;
    expect(text).toMatch(/ \(with the file\)\n/);
    expect(drop(text)).toBeNull();
    expect(drop(`${text}mine\n`)).toBe("mine\n");
  });

  it("does not remove a file that was empty before", () => {
    expect(drop(put("", lines, "top") as string)).toBe("");
  });

  it("is replaced where it stands", () => {
    const old = put("", ["old"], "top") as string;
    expect(put(`before\r\n${old}after`, lines, "top")).toBe(`before\r\n${block}\nafter`);
  });

  it("is replaced where an editor gave the file other line ends", () => {
    const old = (put("", ["old"], "end") as string).replaceAll("\n", "\r\n");
    expect(put(`a\r\n${old}b\r\n`, lines, "end")).toBe(`a\r\n${block}\r\nb\r\n`);
    expect(drop(`a\r\n${old}b\r\n`)).toBe("a\r\nb\r\n");
  });

  it("is found without a line end after it", () => {
    expect(drop(`a\n${block}`)).toBe("a\n");
    expect(put(`a\n${block}`, lines, "top")).toBe(`a\n${block}`);
  });

  it("is not seen in lines that only look like it", () => {
    for (const text of [
      "# >>> ccr >>>x\n",
      " # >>> ccr >>>\n",
      "echo '# >>> ccr >>>'\n",
      "# >>> conda >>>\n",
    ])
      expect(has(text)).toBe(false);
  });

  it.each([
    ["no end line", `a\n${begin}\nif\n`, 2, "has no end line"],
    ["no first line", "a\nb\n# <<< ccr <<<\n", 3, "has an end line but no first line"],
    ["two blocks", `${block}\n${block}\n`, 6, "second ccr block"],
    ["two end lines", `${block}\n# <<< ccr <<<\n`, 6, "second end line"],
    ["the end before the beginning", `# <<< ccr <<<\n${begin}\n`, 1, "is before its first line"],
  ])("is not guessed at with %s", (_, text, line, message) => {
    for (const result of [put(text, lines, "top"), drop(text)])
      expect(result).toEqual({ line, message: expect.stringContaining(message) });
  });

  it("replaced by another one leaves any bytes around it as they were", () => {
    fc.assert(
      fc.property(bytes, bytes, place, (text, later, where) => {
        const once = put(text, ["old"], where) as string;
        const twice = put(once + later, lines, where);
        fc.pre(typeof twice === "string");
        expect(put(twice as string, ["old"], where)).toBe(once + later);
      }),
      { numRuns: 1000 },
    );
  });
});
