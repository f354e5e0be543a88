import { describe, expect, it } from "vitest";
import { breaches, type Inputs } from "../../infra/tools/import-rules.ts";

/** "a > b c" lines as a metafile's inputs; every file named is one. */
function metafile(...lines: string[]): Inputs {
  const inputs: Inputs = {};
  for (const line of lines) {
    const [from, to = ""] = line.split(" > ") as [string, string?];
    const imports = to.split(" ").filter(Boolean);
    for (const path of [from, ...imports]) inputs[path] ??= { imports: [] };
    inputs[from]!.imports.push(...imports.map((path) => ({ path })));
  }
  return inputs;
}

describe("the import rules", () => {
  it("accept arrows that run down, over layers and within a folder", () => {
    expect(
      breaches(
        metafile(
          "helpers/main.ts > helpers/commands/list.ts helpers/terminal/table.ts helpers/system/files.ts",
          "helpers/commands/list.ts > helpers/cli/command.ts helpers/live/live.ts helpers/sessions/find.ts",
          "helpers/live/live.ts > helpers/sessions/find.ts helpers/claude/registry.ts",
          "helpers/sessions/find.ts > helpers/limits/state.ts helpers/system/files.ts",
          "helpers/limits/state.ts > helpers/claude/rows.ts",
          "helpers/claude/rows.ts > helpers/system/files.ts",
          "helpers/terminal/table.ts > helpers/system/files.ts",
          "infra/main.ts > infra/tools/build-helper.ts infra/stacks/publish.ts",
        ),
      ),
    ).toEqual([]);
  });

  it("name every file of a circle, once", () => {
    expect(
      breaches(
        metafile(
          "helpers/main.ts > helpers/sessions/a.ts",
          "helpers/sessions/a.ts > helpers/sessions/b.ts",
          "helpers/sessions/b.ts > helpers/sessions/c.ts",
          "helpers/sessions/c.ts > helpers/sessions/a.ts",
        ),
      ),
    ).toEqual([
      "a circle: helpers/sessions/a.ts -> helpers/sessions/b.ts -> helpers/sessions/c.ts -> helpers/sessions/a.ts",
    ]);
  });

  it("find a circle in infra, and a file that imports itself", () => {
    expect(breaches(metafile("infra/a.ts > infra/b.ts", "infra/b.ts > infra/a.ts"))).toHaveLength(1);
    expect(breaches(metafile("infra/a.ts > infra/a.ts"))).toEqual(["a circle: infra/a.ts -> infra/a.ts"]);
  });

  it.each([
    ["up", "helpers/claude/rows.ts > helpers/sessions/find.ts"],
    ["up from limits", "helpers/limits/state.ts > helpers/sessions/find.ts"],
    ["sideways", "helpers/live/live.ts > helpers/archive/pack.ts"],
    ["to the terminal from a domain folder", "helpers/sessions/find.ts > helpers/terminal/table.ts"],
    ["from the terminal to a domain folder", "helpers/terminal/table.ts > helpers/sessions/find.ts"],
    ["out of system", "helpers/system/files.ts > helpers/claude/rows.ts"],
    ["to the files above", "helpers/commands/list.ts > helpers/main.ts"],
    ["out of helpers", "helpers/commands/list.ts > infra/main.ts"],
    ["to the tests", "infra/main.ts > tests/support/home.ts"],
    ["from infra into the helper's code", "infra/main.ts > helpers/sessions/find.ts"],
    ["from a folder nobody has placed", "helpers/misc/a.ts > helpers/system/files.ts"],
    ["to a folder nobody has placed", "helpers/main.ts > helpers/misc/a.ts"],
  ])("refuse an import %s", (_, line) => {
    const [from, to] = line.split(" > ") as [string, string];
    const lines = breaches(metafile(line));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`${from} imports ${to}: `);
  });

  it("leave packages alone", () => {
    const inputs: Inputs = {
      "helpers/system/files.ts": { imports: [{ path: "node:fs", external: true }] },
      "infra/main.ts": { imports: [{ path: "cdktf", external: true }] },
    };
    expect(breaches(inputs)).toEqual([]);
  });
});
