import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parseSize } from "../../helpers/live/cap.ts";
import {
  allow,
  isAllowed,
  parseTemplate,
  projectTemplate,
  templateNamed,
  templateNames,
} from "../../helpers/live/template.ts";

// Test files share their modules (see vitest.config.ts), so a module that asks a mock must be loaded anew.
vi.resetModules();
vi.doMock("../../helpers/terminal/ask.ts", () => ({ ask: vi.fn(() => null) }));
const { ask } = await import("../../helpers/terminal/ask.ts");
const { chooseTemplate } = await import("../../helpers/cli/choose-template.ts");
vi.doUnmock("../../helpers/terminal/ask.ts");

let folder: string;
let project: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ccr-template-"));
  project = join(folder, "home/app");
  mkdirSync(join(project, ".ccr"), { recursive: true });
  mkdirSync(join(folder, "config/ccr/templates"), { recursive: true });
  vi.stubEnv("HOME", join(folder, "home"));
  vi.stubEnv("XDG_STATE_HOME", join(folder, "state"));
  vi.stubEnv("XDG_CONFIG_HOME", join(folder, "config"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const own = (name: string, tree: unknown) =>
  writeFileSync(join(folder, "config/ccr/templates", `${name}.json`), JSON.stringify(tree));
const brought = (tree: unknown) => writeFileSync(join(project, ".ccr/template.json"), JSON.stringify(tree));
const parse = (tree: unknown) => parseTemplate("web", "/t.json", JSON.stringify(tree));

describe("a session template", () => {
  it("says what a session is started with", () => {
    own("web", {
      directory: "~/app",
      windows: [
        { name: "dev", command: "npm run dev" },
        { name: "top", command: ["htop", "-d", "9"] },
        { name: "shell" },
      ],
      model: "sonnet",
      permissionMode: "acceptEdits",
      prompt: "go on",
      environment: ["DATABASE_URL"],
      memory: "1.5G",
      restart: "on-failure",
    });
    const { windows, ...rest } = templateNamed("web");
    expect(rest).toMatchObject({
      directory: project,
      model: "sonnet",
      permissionMode: "acceptEdits",
      prompt: "go on",
      environment: ["DATABASE_URL"],
      memory: 1.5 * 2 ** 30,
      restart: "on-failure",
    });
    expect(windows.map(({ name, command }) => [name, command.length])).toEqual([
      ["dev", 3],
      ["top", 3],
      ["shell", 0],
    ]);
    expect(templateNames()).toEqual(["web"]);
  });

  it.each([
    ["[]", "not a JSON object"],
    ["{", "not valid JSON"],
    ['{"colour":"red"}', "unknown field: colour"],
    ['{"__proto__":1}', "unknown field: __proto__"],
    ['{"constructor":1}', "unknown field: constructor"],
    ['{"permissionMode":"bypassPermissions"}', "permissionMode must be"],
    ['{"model":"-p"}', "model must be"],
    ['{"environment":["A=B"]}', "environment must be"],
    ['{"memory":"lots"}', "memory must be"],
    ['{"memory":12}', "memory must be"],
    ['{"restart":"always"}', "restart must be"],
    ['{"windows":[{"name":"claude"}]}', "windows must be"],
    ['{"windows":[{"name":"#(touch x)"}]}', "windows must be"],
    ['{"windows":[{"name":"a","command":[1]}]}', "windows must be"],
    ['{"windows":[null]}', "windows must be"],
    ['{"prompt":"a\\u0000b"}', "prompt must be"],
  ])("refuses %s: %s", (text, why) => {
    expect(() => parseTemplate("web", "/t.json", text)).toThrow(why);
  });

  it("takes sizes in bytes or with a unit", () => {
    expect(["2G", "512M", "1.5g", "3 GiB", "1048576", 2 ** 21].map(parseSize)).toEqual([
      2 ** 31,
      2 ** 29,
      1.5 * 2 ** 30,
      3 * 2 ** 30,
      2 ** 20,
      2 ** 21,
    ]);
    expect(["", "0", "-1G", "G", "1023K", null, "1e9", "2P"].map(parseSize)).toEqual(Array(8).fill(null));
    expect(parse({}).memory).toBeNull();
  });

  it("that does not exist is reported, whatever its name is", () => {
    for (const name of ["none", "../config", "", "a/b"])
      expect(() => templateNamed(name)).toThrow("no template");
  });
});

describe("a session template of a project", () => {
  it("is used only once a person has allowed it, and asked about again when it has changed", async () => {
    brought({ prompt: "hello", directory: "sub" });
    const warn = vi.fn();
    expect(await chooseTemplate(undefined, project, warn)).toBeNull();
    expect(warn).toHaveBeenCalledWith(expect.objectContaining({ kind: "not-allowed" }));
    await allow(projectTemplate(project)!);
    expect(await chooseTemplate(undefined, project, warn)).toMatchObject({
      prompt: "hello",
      directory: join(project, "sub"),
    });
    expect(warn).toHaveBeenCalledTimes(1);
    brought({ prompt: "hello!" });
    expect(await isAllowed(projectTemplate(project)!)).toBe(false);
    expect(await chooseTemplate(undefined, project, warn)).toBeNull();
  });

  it("is shown before the question, and a yes is remembered", async () => {
    brought({ prompt: "hello" });
    vi.mocked(ask).mockReturnValueOnce(false);
    expect(await chooseTemplate(undefined, project, vi.fn())).toBeNull();
    vi.mocked(ask).mockReturnValueOnce(true);
    expect(await chooseTemplate(undefined, project, vi.fn())).toMatchObject({ prompt: "hello" });
    expect(vi.mocked(ask).mock.lastCall![0]).toContain('{"prompt":"hello"}');
    expect(await chooseTemplate(undefined, project, vi.fn())).toMatchObject({ prompt: "hello" });
  });

  it("is asked about again in another place, and a missing one is none", async () => {
    brought({ prompt: "hello" });
    await allow(projectTemplate(project)!);
    const copy = join(folder, "home/copy/.ccr");
    mkdirSync(copy, { recursive: true });
    writeFileSync(join(copy, "template.json"), JSON.stringify({ prompt: "hello" }));
    expect(await isAllowed(projectTemplate(join(copy, ".."))!)).toBe(false);
    expect(await chooseTemplate(undefined, folder, vi.fn())).toBeNull();
    await expect(chooseTemplate("project", folder, vi.fn())).rejects.toThrow(
      `there is no project template in ${folder}`,
    );
  });
});
