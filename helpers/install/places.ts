import { dirname, join } from "node:path";
import { readText } from "../system/files.ts";
import { binaries, home, program } from "../system/places.ts";
import { MARK, type Name } from "./names.ts";

/** What the texts for shells refer to: absolute paths and installed names. */
export type Setting = {
  /** the name of `ccr` here; the file of functions records it */
  name: string;
  names: readonly Name[];
  /** folder of the executables */
  binaries: string;
  /** folder of the completion scripts; its zsh folder goes into zsh's fpath */
  library: string;
  /** the executable that completion asks: the one of `ccr` itself; without it there is no completion */
  program: string | undefined;
};

export const functionsFile = (): string => join(home(), "scripts/claude-resume-helpers.sh");
export const library = (): string => dirname(program());

export function setting(name: string, names: readonly Name[]): Setting {
  const program = names.some((own) => own.name === name) ? join(binaries(), name) : undefined;
  return { name, names, program, binaries: binaries(), library: library() };
}

/** Returns the name of an earlier `ccr install --name`, read from the functions that it wrote. */
export function installedName(): string | undefined {
  try {
    const text = readText(functionsFile(), "latin1");
    return text.startsWith(MARK) ? / The name is (\S+)\.$/m.exec(text)?.[1] : undefined;
  } catch {
    return undefined;
  }
}
