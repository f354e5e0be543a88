// Finds the devcontainer.json of a directory and reads the container's user, home and project folder from it.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { Problem } from "../system/problem.ts";
import { type Json, parseFile } from "./edit.ts";

const NAME = "devcontainer.json";

/** Lists the devcontainer.json files of a directory, in the order of the specification. */
export function configFiles(directory: string): string[] {
  const folder = join(directory, ".devcontainer");
  let names: string[] = [];
  try {
    names = readdirSync(folder).sort();
  } catch {
    // there is no such folder
  }
  const places = [folder, ...names.map((name) => join(folder, name))].map((path) => join(path, NAME));
  return [places[0]!, join(directory, `.${NAME}`), ...places.slice(1)].filter((path) => existsSync(path));
}

/** Reads the file. Throws a Problem if it is not UTF-8. */
export function readFile(path: string): { text: string; value: Json } {
  const bytes = readFileSync(path);
  const text = bytes.toString("utf8");
  if (!Buffer.from(text).equals(bytes))
    throw new Problem("devcontainer-json", `${path} is not UTF-8, so ccr does not change it`);
  return { text, value: parseFile(text).value };
}

const string = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);
const absolute = (path: string | null): string | null =>
  path?.startsWith("/") && !path.includes("${") ? path.replace(/(?<=.)\/+$/, "") : null;

/** Substitutes the variables of a value that are known on the host. */
function substituted(value: unknown, directory: string): string | null {
  return (
    string(value)
      ?.replaceAll("${localWorkspaceFolderBasename}", basename(directory))
      .replaceAll("${localWorkspaceFolder}", directory)
      .replace(
        /\$\{(?:localEnv|env):(\w+)(?::([^}]*))?\}/g,
        (_, name, other) => process.env[name] ?? other ?? "",
      ) ?? null
  );
}

/** Returns the project's folder in the container. `rule`: it is only the default of the tools. */
export async function containerFolder(
  file: string,
  value: Json,
  directory: string,
): Promise<{ path: string; from: "file" | "devcontainer" | "rule" }> {
  const own = absolute(substituted(value.workspaceFolder, directory));
  if (own !== null) return { path: own, from: "file" };
  const { capture } = await import("../system/run.ts");
  const args = ["read-configuration", "--workspace-folder", directory, "--config", file];
  const output = await capture("devcontainer", args, 15_000);
  try {
    const path = absolute(JSON.parse(output ?? "").workspace.workspaceFolder);
    if (path !== null) return { path, from: "devcontainer" };
  } catch {
    // the program is missing, or it did not find docker
  }
  if (value.dockerComposeFile !== undefined) return { path: "/", from: "rule" };
  let root = directory;
  while (root !== "/" && !existsSync(join(root, ".git"))) root = dirname(root);
  if (root === "/") root = directory;
  return { path: join("/workspaces", basename(root), relative(root, directory)), from: "rule" };
}

/** The users of the official images. */
const IMAGES: [RegExp, string][] = [
  [/devcontainers\/(?:javascript-node|typescript-node)\b/, "node"],
  [/devcontainers\/universal\b/, "codespace"],
  [/(?:devcontainers|vscode\/devcontainers)\//, "vscode"],
];

/** Returns the home of the container's user. `sure`: the file or a known image names the user. */
export function containerHome(value: Json): { home: string; sure: boolean } {
  const named = string(value.remoteUser) ?? string(value.containerUser);
  const known = named !== null && /^[\w.-]+$/.test(named);
  const image = string(value.image) ?? "";
  const user = known ? named : IMAGES.find(([name]) => name.test(image))?.[1];
  const root = user === undefined || user === "root" || user === "0";
  return { home: root ? "/root" : `/home/${user}`, sure: user !== undefined };
}

/** Returns `CLAUDE_CONFIG_DIR` if the file sets it. */
export function configDirectoryOf(value: Json, directory: string): string | null {
  for (const key of ["remoteEnv", "containerEnv"]) {
    const set = (value[key] as Json | undefined)?.CLAUDE_CONFIG_DIR;
    const path = absolute(substituted(set, directory));
    if (path !== null) return path;
  }
  return null;
}
