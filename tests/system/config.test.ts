import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { config, KEYS, parseValue, setKey } from "../../helpers/system/config.ts";

let folder: string;
let file: string;
const before = process.env.XDG_CONFIG_HOME;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ccr-config-"));
  process.env.XDG_CONFIG_HOME = folder;
  mkdirSync(join(folder, "ccr"));
  file = join(folder, "ccr/config.json");
});
afterEach(() => {
  if (before === undefined) delete process.env.XDG_CONFIG_HOME;
  else process.env.XDG_CONFIG_HOME = before;
  rmSync(folder, { recursive: true });
});

describe("the configuration", () => {
  it("is all defaults where there is no file, and autoResume is off", () => {
    expect(config()).toEqual(
      Object.fromEntries(Object.entries(KEYS).map(([name, key]) => [name, key.default])),
    );
    expect(config().autoResume).toBe(false);
  });

  it("keeps what is set, nested by the dots of its name, and other values as they were", () => {
    writeFileSync(file, '{"resume":{"prompt":"go on"}}');
    setKey("resume.max", parseValue("resume.max", "3"));
    setKey("autoResume", parseValue("autoResume", "on"));
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
      resume: { prompt: "go on", max: 3 },
      autoResume: true,
    });
    expect(config()).toMatchObject({ "resume.prompt": "go on", "resume.max": 3, autoResume: true });
    setKey("resume.max", undefined);
    expect(config()["resume.max"]).toBe(10);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['{"resume":{"promt":"x"}}', /resume\.promt is not a known key/],
    ['{"autoResume":"yes"}', /autoResume must be a boolean/],
    ['{"resume":{"max":1000}}', /resume\.max must be from 1 to 100/],
    ['{"resume":{"mode":"screen"}}', /resume\.mode must be one of/],
    ['{"memory":"lots"}', /memory must be a size such as 4G/],
    ['{"resume":{"permissionMode":"bypassPermissions"}}', /resume\.permissionMode must be one of/],
    ["{", /is not valid JSON/],
    ["[]", /must contain one JSON object/],
    ['{"__proto__":{"a":1},"constructor":1}', /is not a known key/],
  ])("%s is one clear line, and the file stays as it is", (text, message) => {
    writeFileSync(file, text);
    expect(() => config()).toThrow(message);
    expect(readFileSync(file, "utf8")).toBe(text);
  });

  it("says how a bad value is fixed, and that works", () => {
    writeFileSync(file, '{"resume":{"max":1000}}');
    expect(() => config()).toThrow(
      expect.objectContaining({
        hint: ["restore its default: ccr config unset resume.max", `edit it: ${file}`],
      }),
    );
    setKey("resume.max", undefined);
    expect(config()["resume.max"]).toBe(10);
  });

  it("refuses a bad value or key before it writes anything", () => {
    for (const [name, value] of [
      ["autoResume", "maybe"],
      ["resume.max", "0"],
      ["resume.max", ""],
      ["resume.max", "many"],
      ["notify.percent", "101"],
      ["resume.mode", "bypass"],
      ["nope", "1"],
      ["toString", "1"],
    ] as const) {
      expect(() => parseValue(name, value), `${name}=${value}`).toThrow(name);
    }
    writeFileSync(file, "{ broken");
    expect(() => setKey("autoResume", true)).toThrow(/is not valid JSON/);
    expect(readFileSync(file, "utf8")).toBe("{ broken");
  });
});
