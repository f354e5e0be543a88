// Runs the `devcontainer` program of the user, which starts containers.

import { object, string } from "../claude/rows.ts";
import { errno, Problem } from "../system/problem.ts";
import { capture } from "../system/run.ts";

const PROGRAM = "devcontainer";

/** Starts the container that the arguments `place` select; its log goes to stderr. Returns its project folder and user. */
export async function startContainer(
  place: readonly string[],
): Promise<{ folder: string | null; user: string | null }> {
  const { spawn } = await import("node:child_process");
  const child = spawn(PROGRAM, ["up", ...place], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (piece) => (output += piece));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  }).catch((error) => {
    if (errno(error) !== "ENOENT") throw error;
    throw new Problem("no-devcontainer-cli", "the devcontainer program is not on PATH", {
      hint: [
        "install it: npm install -g @devcontainers/cli",
        "or use the editor: Dev Containers: Reopen in Container",
      ],
    });
  });
  let result = null;
  try {
    result = object(JSON.parse(output.trim().split("\n").at(-1) ?? ""));
  } catch {
    // the status decides
  }
  if (status !== 0 || result?.outcome === "error")
    throw new Problem(
      "container",
      `the container did not start: ${string(result?.message) ?? `status ${status}`}`,
      {
        hint: "see its log above; check that the container engine is running",
      },
    );
  return { folder: string(result?.remoteWorkspaceFolder), user: string(result?.remoteUser) };
}

/** Runs a command in the container. Returns whether it succeeded. */
export const inContainer = async (place: readonly string[], command: readonly string[]): Promise<boolean> =>
  (await capture(PROGRAM, ["exec", ...place, ...command], 60_000)) !== null;
