import { homedir } from "node:os";
import { join } from "node:path";

/** Absolute paths of ccr's own files. XDG variables are honoured when they are absolute. */
export const home = (): string => process.env.HOME || homedir();

const xdg = (name: string, fallback: string): string => {
  const value = process.env[name];
  return value?.startsWith("/") ? value : join(home(), fallback);
};

export const program = (): string => join(home(), ".local/lib/ccr/ccr.cjs");
export const binaries = (): string => join(home(), ".local/bin");
export const configuration = (): string => join(xdg("XDG_CONFIG_HOME", ".config"), "ccr");
export const state = (): string => join(xdg("XDG_STATE_HOME", ".local/state"), "ccr");
export const cache = (): string => join(xdg("XDG_CACHE_HOME", ".cache"), "ccr");
/** Where Node keeps the compiled program. The shim has the same name for it. */
export const compiledCode = (): string => join(cache(), "compiled");
