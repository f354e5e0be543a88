// Real rows, harmed in the ways that files are harmed: by crashes, full disks, two writers, editors and people.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fixtures } from "./home.ts";
import type { Random } from "./random.ts";

const NEWLINE = Buffer.from("\n");

/** Lines of every sample file, without their newlines. */
export function sampleLines(ending: string): Buffer[][] {
  const root = join(fixtures, "claude");
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .sort()
    .map((name) =>
      readFileSync(join(root, name), "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => Buffer.from(line)),
    );
}

/** A line, and whether it stands in the file exactly as a program wrote it. */
type Line = { bytes: Buffer; whole: boolean; end: string };

export type Harmed = {
  bytes: Buffer;
  /** lines that no harm was done to, in their order */
  whole: Buffer[];
  lines: number;
  /** what was done */
  how: string;
};

type Harm = (lines: Line[], random: Random) => void;

const at = (lines: Line[], random: Random): Line => lines[random.below(lines.length)]!;
const harm = (line: Line, bytes: Buffer): void => {
  line.bytes = bytes;
  line.whole = false;
};

/** Replaces a text in a line's JSON, if it has it. */
const edit = (line: Line, pattern: RegExp, by: string): void => {
  const text = line.bytes.toString("latin1");
  const edited = text.replace(pattern, by);
  if (edited !== text) harm(line, Buffer.from(edited, "latin1"));
};

const CONTROLS = [
  "\\u001b[2J\\u001b]0;x\\u0007",
  "\\u009b31m",
  "\\r\\n\\t\\b",
  "\\u202e\\u2066",
  "\\u0000",
  "\\u200b\\ufeff",
  "\\ud83d",
  "\\udc00\\ud800",
  "\\u2028",
  "\u001b[31m",
  "\u009b",
];

const HARMS: Record<string, Harm> = {
  nothing() {},
  "a torn line": (lines, random) => {
    const line = at(lines, random);
    harm(line, line.bytes.subarray(0, random.below(line.bytes.length)));
  },
  "the end cut off": (lines, random) => {
    const line = lines[lines.length - 1]!;
    harm(line, line.bytes.subarray(0, random.below(line.bytes.length + 1)));
    line.end = "";
  },
  "no last newline": (lines) => {
    lines[lines.length - 1]!.end = "";
  },
  "two rows in one line": (lines, random) => {
    const i = random.below(lines.length);
    lines[i]!.end = "";
    lines[i]!.whole = i === lines.length - 1 && lines[i]!.whole;
    if (lines[i + 1]) lines[i + 1]!.whole = false;
  },
  "a torn row and another in one line": (lines, random) => {
    const i = random.below(lines.length);
    const line = lines[i]!;
    harm(line, line.bytes.subarray(0, random.below(line.bytes.length)));
    line.end = "";
    if (lines[i + 1]) lines[i + 1]!.whole = false;
  },
  "flipped bits": (lines, random) => {
    const line = at(lines, random);
    if (line.bytes.length === 0) return;
    const bytes = Buffer.from(line.bytes);
    for (let n = 1 + random.below(4); n > 0; n--) bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
    harm(line, bytes);
    // A flip can make a newline, and so harm a neighbour's beginning; never more than this line.
  },
  "random bytes": (lines, random) => {
    const line = at(lines, random);
    harm(line, Buffer.from(Array.from({ length: random.below(200) }, () => random.below(256))));
  },
  "NULs within a line": (lines, random) => {
    const line = at(lines, random);
    const place = random.below(line.bytes.length + 1);
    const nuls = Buffer.alloc(1 + random.below(64));
    harm(line, Buffer.concat([line.bytes.subarray(0, place), nuls, line.bytes.subarray(place)]));
  },
  "NULs over the end of a line": (lines, random) => {
    const line = at(lines, random);
    const bytes = Buffer.from(line.bytes);
    bytes.fill(0, random.below(bytes.length + 1));
    harm(line, bytes);
  },
  "a byte order mark": (lines, random) => {
    const line = random.chance(60) ? lines[0]! : at(lines, random);
    harm(line, Buffer.concat([Buffer.from("\ufeff"), line.bytes]));
  },
  "carriage returns": (lines) => {
    for (const line of lines) if (line.end === "\n") line.end = "\r\n";
  },
  "another order": (lines, random) => {
    for (let i = lines.length - 1; i > 0; i--) {
      const j = random.below(i + 1);
      [lines[i], lines[j]] = [lines[j]!, lines[i]!];
    }
  },
  "rows twice": (lines, random) => {
    for (let n = 1 + random.below(4); n > 0; n--) {
      const line = at(lines, random);
      lines.splice(random.below(lines.length + 1), 0, { ...line, end: "\n" });
    }
  },
  "control characters and lone surrogates": (lines, random) => {
    const line = at(lines, random);
    edit(
      line,
      /"((?:display|text|content|customTitle|aiTitle|summary|cwd|gitBranch|name|lastPrompt|version)"\s*:\s*")/g,
      `"$1${random.pick(CONTROLS)}`,
    );
  },
  "bytes that are no UTF-8": (lines, random) => {
    const line = at(lines, random);
    edit(
      line,
      /"((?:text|content|cwd|customTitle|display)":")/,
      `"$1${random.pick(["\xff\xfe", "\xc3", "\xed\xa0\x80", "\xf8\x88\x80\x80\x80"])}`,
    );
  },
  "a parent that is itself": (lines, random) => {
    const line = at(lines, random);
    const uuid = /"uuid":"([^"]+)"/.exec(line.bytes.toString("latin1"))?.[1] ?? "x";
    edit(line, /"parentUuid":(?:null|"[^"]*")/, `"parentUuid":"${uuid}"`);
  },
  "parents in a circle": (lines) => {
    const uuids = lines.flatMap((line) => /"uuid":"([^"]+)"/.exec(line.bytes.toString("latin1"))?.[1] ?? []);
    lines.forEach((line, i) => {
      edit(
        line,
        /"parentUuid":(?:null|"[^"]*")/,
        `"parentUuid":"${uuids[(i + 1) % Math.max(1, uuids.length)] ?? "x"}"`,
      );
    });
  },
  "values of other types": (lines, random) => {
    const line = at(lines, random);
    const value = random.pick(["null", "[]", "{}", "-1", "1e999", "true", '""', "[[{}]]", '{"text":{}}']);
    const key = random.pick([
      "type",
      "message",
      "content",
      "timestamp",
      "cwd",
      "sessionId",
      "usage",
      "uuid",
      "isSidechain",
      "model",
      "id",
      "display",
      "project",
      "error",
      "summary",
      "output_tokens",
      "version",
      "quotaLimits",
      "apiErrorParams",
    ]);
    edit(line, new RegExp(`"${key}":(?:"(?:[^"\\\\]|\\\\.)*"|[\\d.]+|null|true|false)`), `"${key}":${value}`);
  },
  "very deep lists": (lines, random) => {
    const line = at(lines, random);
    edit(
      line,
      /"content":/,
      `"deep":${"[".repeat(3000)}${"]".repeat(random.chance(50) ? 3000 : 2999)},"content":`,
    );
  },
  "times from another world": (lines, random) => {
    const time = random.pick([
      "9999-12-31T23:59:59.999Z",
      "0000-00-00T00:00:00.000Z",
      "-271821-04-20T00:00:00Z",
      "2026-02-30T25:61:61Z",
      "+275760-09-13T00:00:00.000Z",
      "yesterday",
    ]);
    edit(at(lines, random), /"timestamp":"[^"]*"/, `"timestamp":"${time}"`);
    edit(
      at(lines, random),
      /"timestamp":\d+/,
      `"timestamp":${random.pick(["-1", "8640000000000001", "1e300", "0"])}`,
    );
  },
  "nothing left": (lines, random) => {
    lines.length = 0;
    if (random.chance(50)) lines.push({ bytes: Buffer.alloc(random.below(5000)), whole: false, end: "" });
  },
  "an empty line": (lines, random) => {
    lines.splice(random.below(lines.length + 1), 0, {
      bytes: Buffer.alloc(0),
      whole: false,
      end: random.pick(["\n", "\r\n", " \n"]),
    });
  },
};
const NAMES = Object.keys(HARMS);

/** A file of some consecutive rows of a sample, with up to three harms done to it. `id` takes its sessions' place. */
export function harmedFile(samples: readonly Buffer[][], random: Random): Harmed {
  const sample = random.pick(samples);
  const start = random.below(Math.max(1, sample.length - 3));
  const lines: Line[] = sample
    .slice(start, start + 2 + random.below(12))
    .map((bytes) => ({ bytes, whole: true, end: "\n" }));
  const how: string[] = [];
  for (let n = 1 + random.below(3); n > 0 && lines.length > 0; n--) {
    const name = random.pick(NAMES);
    how.push(name);
    HARMS[name]!(lines, random);
  }
  // What stands in one line with something else is not whole, whichever harm put it there.
  for (let i = 0; i < lines.length; i++) {
    if (lines[i]!.end.endsWith("\n")) continue;
    if (i < lines.length - 1) lines[i]!.whole = false;
    if (lines[i + 1]) lines[i + 1]!.whole = false;
  }
  const whole = lines.filter((line) => line.whole && line.bytes.length > 0);
  return {
    bytes: Buffer.concat(
      lines.flatMap((line) => [line.bytes, line.end === "\n" ? NEWLINE : Buffer.from(line.end)]),
    ),
    whole: whole.map((line) => line.bytes),
    lines: lines.length,
    how: how.join(", "),
  };
}
