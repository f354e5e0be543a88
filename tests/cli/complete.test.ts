import { describe, expect, it } from "vitest";
import { type Answer, complete, linesOf } from "../../helpers/cli/complete.ts";
import { namesOf } from "../../helpers/install/names.ts";

const flag = (type: "boolean" | "string", more = {}) => ({ type, description: "…", ...more });
const commands = [
  {
    name: "resume",
    summary: "resume one",
    load: async () => ({
      flags: { fork: flag("boolean"), dir: flag("string", { completes: "directory" }) },
      positionals: "session" as const,
      maxArgs: 2,
    }),
  },
  {
    name: "list",
    alias: "ccr-list",
    summary: "list them",
    load: async () => ({
      flags: {
        all: flag("boolean", { short: "a" }),
        time: flag("string", { completes: ["iso", "local"] }),
        project: flag("string", { completes: "project" }),
        skip: flag("string", { multiple: true }),
      },
      maxArgs: 1,
    }),
  },
  { name: "rm", summary: "x", load: async () => ({ flags: {}, positionals: "session" as const }) },
  {
    name: "import",
    summary: "y",
    load: async () => ({ flags: {}, positionals: "file" as const, maxArgs: 1 }),
  },
];
const sources = {
  sessions: (prefix: string) =>
    ["4bb63347", "dae96318"]
      .filter((id) => id.startsWith(prefix))
      .map((word) => ({ word, description: `about ${word}` })),
  projects: () => [
    { word: "my shop", description: "/w/my shop" },
    { word: "api", description: "/w/api" },
  ],
};
const ask = (...line: string[]): Promise<Answer> =>
  complete(line, namesOf("ccr", commands), commands, sources);
const words = async (...line: string[]): Promise<string[]> => {
  const answer = await ask(...line);
  if (typeof answer === "string") throw new Error(answer);
  return answer.map(({ word }) => word);
};

describe("completion", () => {
  it("offers commands and the newest sessions", async () => {
    expect(await words("ccr", "")).toEqual(["resume", "list", "rm", "import", "4bb63347", "dae96318"]);
    expect(await words("ccr", "4")).toEqual(["4bb63347"]);
    expect(await words("ccr", "li")).toEqual(["list"]);
    expect(await words("ccr", "--")).toEqual(["--help", "--version"]);
  });

  it("knows classic names, paths to them, and takes an alias for ccr", async () => {
    expect(await words("ccr-list", "--al")).toEqual(["--all"]);
    expect(await words("/home/u/.local/bin/ccr-list", "--al")).toEqual(["--all"]);
    expect(await words("r", "li")).toEqual(["list"]);
  });

  it("offers a flag once, unless it may be repeated", async () => {
    expect(await words("ccr", "list", "-a", "--skip", "x", "--")).toEqual(["--time", "--project", "--skip"]);
  });

  it("offers the values of a flag in each of the three ways to write them", async () => {
    expect(await words("ccr-list", "--time", "")).toEqual(["iso", "local"]);
    expect(await words("ccr-list", "--time=l")).toEqual(["--time=local"]);
    expect(await words("ccr-list", "--time", "=", "l")).toEqual(["local"]);
    expect(await words("ccr-list", "--time", "=")).toEqual(["iso", "local"]);
    expect(await words("ccr-list", "--project", "my")).toEqual(["my shop"]);
  });

  it("offers nothing where anything may stand", async () => {
    expect(await words("ccr-list", "--skip", "")).toEqual([]);
    expect(await words("ccr", "4bb63347", "")).toEqual([]);
    expect(await words("ccr", "list", "--nonsense", "")).toEqual([]);
  });

  it("resumes without the command's name", async () => {
    expect(await words("ccr", "4bb63347", "--f")).toEqual(["--fork"]);
    expect(await words("ccr", "resume", "da")).toEqual(["dae96318"]);
    expect(await words("ccr", "resume", "--", "da")).toEqual(["dae96318"]);
  });

  it("offers words again for commands that take many", async () => {
    expect(await words("ccr", "rm", "4bb63347", "")).toEqual(["4bb63347", "dae96318"]);
  });

  it("leaves files and directories to the shell", async () => {
    expect(await ask("ccr", "import", "")).toBe("file");
    expect(await ask("ccr", "4bb63347", "--dir", "/")).toBe("directory");
    expect(await ask("ccr", "4bb63347", "--dir=/t")).toBe("directory");
  });

  it("gives no answer at all to a line of nothing", async () => {
    expect(await words()).toEqual(["resume", "list", "rm", "import", "4bb63347", "dae96318"]);
  });

  it("prints lines that bash can put in as they are", () => {
    expect(linesOf([{ word: "my $(shop)", description: "x" }], "bash")).toBe("my\\ \\$\\(shop\\)\tx\n");
    expect(linesOf([{ word: "my shop", description: "x" }], "zsh")).toBe("my shop\tx\n");
    expect(linesOf([{ word: "a\nb", description: "x" }], "fish")).toBe("");
    expect(linesOf("file", "fish")).toBe(":file\n");
  });
});
