import { execFile } from "node:child_process";
import { Problem } from "../system/problem.ts";

/** Marks the line of ccr in a crontab. */
const MARK = "# ccr";

function crontab(
  args: readonly string[],
  input?: string,
): Promise<{ ok: boolean; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = execFile("crontab", [...args], { timeout: 10_000 }, (error, out, err) =>
      resolve({
        ok: error === null,
        out,
        err: error && "code" in error && error.code === "ENOENT" ? "missing" : err.trim(),
      }),
    );
    child.stdin?.on("error", () => {});
    child.stdin?.end(input ?? "");
  });
}

const without = (table: string): string =>
  table
    .split("\n")
    .filter((line) => !line.endsWith(MARK))
    .join("\n");

/** Adds a line that calls `ccr supervise` every five minutes to the crontab; null removes it. */
export async function cron(ccr: string | null): Promise<"updated" | "unchanged"> {
  const now = await crontab(["-l"]);
  if (now.err === "missing") {
    if (ccr === null) return "unchanged";
    throw new Problem("no-cron", "crontab is not installed", {
      hint: "install cron, or run ccr supervise every five minutes in another way",
    });
  }
  if (!now.ok && !/no crontab/i.test(now.err))
    throw new Problem("cron", `crontab -l failed: ${now.err.split("\n", 1)[0]}`);
  const old = now.ok ? now.out : "";
  const rest = without(old);
  // An unquoted % would end the command in a crontab.
  const line = ccr === null ? "" : `*/5 * * * * ${ccr.replaceAll("%", "\\%")} supervise ${MARK}\n`;
  const next = line === "" ? rest : `${rest}${rest === "" || rest.endsWith("\n") ? "" : "\n"}${line}`;
  if (next === old) return "unchanged";
  const done = await crontab(next.trim() === "" ? ["-r"] : ["-"], next);
  if (!done.ok) throw new Problem("cron", `crontab failed: ${done.err.split("\n", 1)[0]}`);
  return "updated";
}
