import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LONGEST_LINE, linesBackward, linesForward } from "../../helpers/claude/lines.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "ccr-lines-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

function reading<T>(data: Uint8Array, use: (fd: number, size: number) => T): T {
  const path = join(directory, "file");
  writeFileSync(path, data);
  const fd = openSync(path, "r");
  try {
    return use(fd, data.length);
  } finally {
    closeSync(fd);
  }
}

/** Numbers that look random and are the same in every run. */
function* numbers(seed: number): Generator<number> {
  for (let x = seed; ; ) yield (x = (x * 1_103_515_245 + 12_345) & 0x7fffffff);
}

const expected = (data: Buffer): { text: string; start: number }[] => {
  const found: { text: string; start: number }[] = [];
  let start = 0;
  for (const text of data.toString("latin1").split("\n")) {
    if (text !== "") found.push({ text, start });
    start += text.length + 1;
  }
  return found;
};

test("the line reader gives the same lines in both directions, whatever the steps and lengths", () => {
  const random = numbers(7);
  const next = (below: number): number => random.next().value! % below;
  for (let round = 0; round < 200; round++) {
    const lines = Array.from({ length: next(40) }, () =>
      "abcdefgh".repeat(40).slice(0, next(next(4) === 0 ? 300 : 12)),
    );
    const data = Buffer.from(lines.join("\n") + (next(2) === 0 ? "\n" : ""));
    const first = 1 + next(64);
    const [ahead, back] = reading(data, (fd, size) => {
      const plain = ({ bytes, start }: { bytes: Buffer | null; start: number }) => ({
        text: bytes!.toString("latin1"),
        start,
      });
      return [
        Array.from(linesForward(fd, size, { first }), plain),
        Array.from(linesBackward(fd, size, first), plain),
      ];
    });
    expect(ahead).toEqual(expected(data));
    expect(back!.reverse()).toEqual(expected(data));
  }
});

test("the line reader reports a line over the limit but does not keep it", () => {
  const data = Buffer.concat([
    Buffer.from("first\n"),
    Buffer.alloc(LONGEST_LINE + 1, 120),
    Buffer.from("\nlast\n"),
  ]);
  reading(data, (fd, size) => {
    const kept = ({ bytes, length }: { bytes: Buffer | null; length: number }) => [
      bytes?.toString() ?? null,
      length,
    ];
    const wanted = [
      ["first", 5],
      [null, LONGEST_LINE + 1],
      ["last", 4],
    ];
    expect(Array.from(linesForward(fd, size), kept)).toEqual(wanted);
    expect(Array.from(linesBackward(fd, size), kept).reverse()).toEqual(wanted);
  });
});
