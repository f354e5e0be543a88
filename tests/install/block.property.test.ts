import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { drop, has, put } from "../../helpers/install/block.ts";

const lines = ["if true; then", "  :", "fi"];
const begin = '# >>> ccr >>> "ccr install" writes these lines, "ccr uninstall" removes them';

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
  it("leaves any bytes as they were when it is put in and taken out", () => {
    fc.assert(
      fc.property(bytes, place, (text, where) => {
        const once = put(text, lines, where);
        expect(put(once as string, lines, where)).toBe(once);
        expect(drop(once as string)).toBe(text);
      }),
      { numRuns: 3000 },
    );
  });

  it("never throws, whatever the file holds", () => {
    const pieces = fc.array(fc.constantFrom(begin, "# >>> ccr >>>", "# <<< ccr <<<", "x", "\n", "\r\n"), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(pieces, (parts) => {
        const text = parts.join("");
        for (const result of [put(text, lines, "end"), drop(text)])
          if (typeof result === "object" && result !== null) expect(result.line).toBeGreaterThan(0);
      }),
      { numRuns: 2000 },
    );
  });
});
