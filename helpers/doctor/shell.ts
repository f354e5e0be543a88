import { realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { has } from "../install/block.ts";
import { tilde } from "../install/changes.ts";
import { foreign } from "../install/install.ts";
import { PROGRAM } from "../install/names.ts";
import { functionsFile, installedName } from "../install/places.ts";
import { bashFiles } from "../install/rc.ts";
import { readText } from "../system/files.ts";
import { program } from "../system/places.ts";
import { capture } from "../system/run.ts";
import type { Checks } from "./finding.ts";

const textOf = (path: string): string | null => {
  try {
    return readText(path, "latin1");
  } catch {
    return null;
  }
};

/** Runs `ccr install` of this program. It changes only what is wrong. */
async function install(): Promise<string> {
  const done = await capture(process.execPath, [process.argv[1]!, "install"], 60_000);
  return done?.trim() ?? "ccr install failed; run it to see the error";
}

/** Checks of the shell. */
export const shell: Checks = {
  functions: async () => {
    const name = installedName() ?? PROGRAM;
    const fix = "ccr install, then a new shell";
    if (textOf(program()) === null)
      return {
        finding: "ccr is not installed in this home",
        evidence: `${tilde(program())} does not exist`,
        fix: "node ccr.cjs install",
      };
    if (textOf(functionsFile()) === null)
      return {
        finding: "the file with the shell functions is missing",
        evidence: `${tilde(functionsFile())} does not exist`,
        fix,
        apply: install,
      };
    const [rc] = bashFiles();
    const text = textOf(rc!.path);
    if (text === null || !has(text))
      return {
        finding: "bash does not load ccr",
        evidence: `${tilde(rc!.path)} has no ccr block`,
        fix,
        apply: install,
      };
    const type = await capture("bash", ["-ic", `type -t ${name} || echo nothing`], 20_000);
    if (type?.trim().endsWith("function")) return null;
    const lines = text.split("\n");
    const block = lines.findIndex(has);
    const end = lines.findIndex((line, i) => i < block && /\b(?:return|exit)\b/.test(line));
    // bash gave no answer in time, and nothing in the file explains it: a slow machine.
    if (type === null && end < 0) return null;
    return {
      finding: `an interactive bash has no function ${name}`,
      evidence:
        end < 0
          ? `${tilde(rc!.path)}:${block + 1} loads it, but type -t ${name} prints "${type?.trim() ?? ""}"`
          : `${tilde(rc!.path)}:${end + 1} ends before line ${block + 1} loads it: ${lines[end]!.trim().slice(0, 60)}`,
      fix:
        end < 0
          ? `check what follows that line for an alias or unset of ${name}`
          : `move the ccr block above line ${end + 1}`,
    };
  },

  clash: () => {
    const name = installedName() ?? PROGRAM;
    const other = foreign(name);
    if (!other) return null;
    return {
      finding: `another program is called ${name}: ${packageOf(other)}`,
      evidence: other,
      fix: `install ccr under another name: ccr install --name ${name === "cr" ? "ccc" : "cr"}`,
    };
  },
};

/** Returns the name of the npm package of a program, else its real path. */
function packageOf(path: string): string {
  let real = path;
  try {
    real = realpathSync(path);
    for (let at = dirname(real); at !== dirname(at); at = dirname(at)) {
      const text = textOf(join(at, "package.json"));
      if (text !== null) return String(JSON.parse(text).name);
    }
  } catch {
    // the path is enough
  }
  return real;
}
