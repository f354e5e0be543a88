// The `devcontainer` program, which starts containers. Never bundled: it is the person's.

import { object, string } from "../claude/rows.ts";
import { errno, Problem } from "../system/problem.ts";
import { capture } from "../system/run.ts";

const PROGRAM = "devcontainer";

/** Brings the container up, its log on stderr; the project's folder and the user in it. `place` says which one. */
export async function startContainer(
  place: readonly string[],
): Promise<{ folder: string | null; user: string | null }> {
  const { spawn } = await import("node:child_process");
  const child = spawn(PROGRAM, ["up", ...place], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (piece) => (said += piece));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  }).catch((error) => {
    if (errno(error) !== "ENOENT") throw error;
    throw new Problem("no-devcontainer-cli", "the devcontainer program is not on PATH.", {
      hint: [
        "get it: npm install -g @devcontainers/cli",
        "or in the editor: Dev Containers: Reopen in Container",
      ],
    });
  });
  let result = null;
  try {
    result = object(JSON.parse(said.trim().split("\n").at(-1) ?? ""));
  } catch {
    // the status tells
  }
  if (status !== 0 || result?.outcome === "error")
    throw new Problem(
      "container",
      `the container did not start: ${string(result?.message) ?? `status ${status}`}.`,
      {
        hint: "its log is above; is the container engine running?",
      },
    );
  return { folder: string(result?.remoteWorkspaceFolder), user: string(result?.remoteUser) };
}

/** Whether a command ends well in the container. */
export const inContainer = async (place: readonly string[], command: readonly string[]): Promise<boolean> =>
  (await capture(PROGRAM, ["exec", ...place, ...command], 60_000)) !== null;
