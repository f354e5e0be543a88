import { execFileSync } from "node:child_process";

/** What the checkout in `folder` is at, for the version's message: hash and subject on one line, or "". */
export function gitMessage(folder: string): string {
  try {
    const line = execFileSync("git", ["-C", folder, "log", "-1", "--no-show-signature", "--format=%h %s"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 5000,
    });
    // Coder shows it as it is.
    return [...line.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").trim()].slice(0, 200).join("");
  } catch {
    return "";
  }
}
