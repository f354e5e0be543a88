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

/** Runs the installer of the file that runs now: it touches only what is not right. */
async function install(): Promise<string> {
  const done = await capture(process.execPath, [process.argv[1]!, "install"], 60_000);
  return done?.trim() ?? "ccr install failed; run it to see why";
}

/** Checks of the shell. */
export const shell: Checks = {
  functions: async () => {
    const name = installedName() ?? PROGRAM;
    const fix = "ccr install, then a new shell";
    if (textOf(program()) === null)
      return {
        finding: "ccr is not installed in this home",
        evidence: `no ${tilde(program())}`,
        fix: "node ccr.cjs install",
      };
    if (textOf(functionsFile()) === null)
      return {
        finding: "the functions' file is gone",
        evidence: `no ${tilde(functionsFile())}`,
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
    // No answer, and nothing to be seen: a slow machine.
    if (type === null && end < 0) return null;
    return {
      finding: `an interactive bash has no function ${name}`,
      evidence:
        end < 0
          ? `${tilde(rc!.path)}:${block + 1} loads it, and yet: type -t ${name} says "${type?.trim() ?? ""}"`
          : `${tilde(rc!.path)}:${end + 1} ends before line ${block + 1} loads it: ${lines[end]!.trim().slice(0, 60)}`,
      fix:
        end < 0
          ? `look for what undoes it after that line: unset, alias ${name}`
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
      fix: `give this one another name: ccr install --name ${name === "cr" ? "ccc" : "cr"}`,
    };
  },
};

/** The npm package that a program belongs to, else its real path. */
function packageOf(path: string): string {
  let real = path;
  try {
    real = realpathSync(path);
    for (let at = dirname(real); at !== dirname(at); at = dirname(at)) {
      const text = textOf(join(at, "package.json"));
      if (text !== null) return String(JSON.parse(text).name);
    }
  } catch {
    // told by its path
  }
  return real;
}
