// Which devcontainer.json a directory has, and what it says of the container: its user, its home, its folder.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { Problem } from "../system/problem.ts";
import { type Json, parseFile } from "./edit.ts";

const NAME = "devcontainer.json";

/** Every devcontainer.json of a directory, in the order of the specification. */
export function configFiles(directory: string): string[] {
  const folder = join(directory, ".devcontainer");
  let names: string[] = [];
  try {
    names = readdirSync(folder).sort();
  } catch {
    // there need not be one
  }
  const places = [folder, ...names.map((name) => join(folder, name))].map((path) => join(path, NAME));
  return [places[0]!, join(directory, `.${NAME}`), ...places.slice(1)].filter((path) => existsSync(path));
}

/** The text of the file, which is UTF-8, and its values. */
export function readFile(path: string): { text: string; value: Json } {
  const bytes = readFileSync(path);
  const text = bytes.toString("utf8");
  if (!Buffer.from(text).equals(bytes))
    throw new Problem("devcontainer-json", `${path} is not UTF-8, so ccr leaves it alone.`);
  return { text, value: parseFile(text).value };
}

const string = (value: unknown): string | null => (typeof value === "string" && value !== "" ? value : null);
const absolute = (path: string | null): string | null =>
  path?.startsWith("/") && !path.includes("${") ? path.replace(/(?<=.)\/+$/, "") : null;

/** A value with what the host knows of it put in. */
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

/** The folder of the project in the container, and who says so: null where only the rule of the tools is known. */
export async function containerFolder(
  file: string,
  value: Json,
  directory: string,
): Promise<{ path: string; from: "file" | "devcontainer" | "rule" }> {
  const own = absolute(substituted(value.workspaceFolder, directory));
  if (own !== null) return { path: own, from: "file" };
  const { capture } = await import("../system/run.ts");
  const args = ["read-configuration", "--workspace-folder", directory, "--config", file];
  const said = await capture("devcontainer", args, 15_000);
  try {
    const path = absolute(JSON.parse(said ?? "").workspace.workspaceFolder);
    if (path !== null) return { path, from: "devcontainer" };
  } catch {
    // it needs a docker program, too
  }
  if (value.dockerComposeFile !== undefined) return { path: "/", from: "rule" };
  let root = directory;
  while (root !== "/" && !existsSync(join(root, ".git"))) root = dirname(root);
  if (root === "/") root = directory;
  return { path: join("/workspaces", basename(root), relative(root, directory)), from: "rule" };
}

/** Users that the images of the specification's authors work as. */
const IMAGES: [RegExp, string][] = [
  [/devcontainers\/(?:javascript-node|typescript-node)\b/, "node"],
  [/devcontainers\/universal\b/, "codespace"],
  [/(?:devcontainers|vscode\/devcontainers)\//, "vscode"],
];

/** The home of the user that Claude runs as in the container; `sure` where the file or a well-known image names the user. */
export function containerHome(value: Json): { home: string; sure: boolean } {
  const named = string(value.remoteUser) ?? string(value.containerUser);
  const known = named !== null && /^[\w.-]+$/.test(named);
  const image = string(value.image) ?? "";
  const user = known ? named : IMAGES.find(([name]) => name.test(image))?.[1];
  const root = user === undefined || user === "root" || user === "0";
  return { home: root ? "/root" : `/home/${user}`, sure: user !== undefined };
}

/** `CLAUDE_CONFIG_DIR` where the file sets it. */
export function configDirectoryOf(value: Json, directory: string): string | null {
  for (const key of ["remoteEnv", "containerEnv"]) {
    const set = (value[key] as Json | undefined)?.CLAUDE_CONFIG_DIR;
    const path = absolute(substituted(set, directory));
    if (path !== null) return path;
  }
  return null;
}
