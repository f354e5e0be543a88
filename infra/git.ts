import { execFileSync } from "node:child_process";

/** The hash and subject of the current commit of `folder` on one line, as the message of a version; "" without git. */
export function gitMessage(folder: string): string {
  try {
    const line = execFileSync("git", ["-C", folder, "log", "-1", "--no-show-signature", "--format=%h %s"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 5000,
    });
    // Coder shows this text unchanged.
    return [...line.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").trim()].slice(0, 200).join("");
  } catch {
    return "";
  }
}
