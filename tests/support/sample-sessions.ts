import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fixtures } from "./home.ts";

/** The fixtures' own "now" and home. */
const written = Date.parse("2026-11-20T18:00:00Z");
const writtenHome = "/home/coder/";

/** The CLI's name for a project's folder (paths of up to 200 characters). */
export const slug = (directory: string): string => directory.replace(/[^A-Za-z0-9]/g, "-");

/**
 * Writes the sample sessions into a home, as if they had been worked on these days, with their project
 * directories. Gives their ids, newest first.
 */
export function copySamples(home: string, now = Date.now()): string[] {
  const shift = Math.floor((now - written) / 1000) * 1000;
  const claude = join(home, ".claude");
  const ends = new Map<string, number>();

  for (const name of readdirSync(join(fixtures, "sessions")).filter((entry) => entry.endsWith(".jsonl"))) {
    const text = moved(readFileSync(join(fixtures, "sessions", name), "utf8"), shift).replaceAll(
      writtenHome,
      `${home}/`,
    );
    if (name === "history.jsonl") {
      mkdirSync(claude, { recursive: true, mode: 0o700 });
      writeFileSync(join(claude, name), text, { mode: 0o600 });
      continue;
    }
    const rows = text
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    const project: string = rows.find((row) => row.cwd).cwd;
    const end = Math.max(...rows.map((row) => Date.parse(row.timestamp)).filter(Number.isFinite)) / 1000;
    mkdirSync(project, { recursive: true });
    const folder = join(claude, "projects", slug(project));
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    // The CLI's sweep and ours go by mtime.
    utimesSync(join(folder, name), end, end);
    ends.set(name.slice(0, -".jsonl".length), end);
  }
  return [...ends].sort((a, b) => b[1] - a[1]).map(([id]) => id);
}

/** Moves every time in the text: ISO stamps, epochs in ms and s, and the clock time of a limit's message. */
function moved(text: string, shift: number): string {
  return text
    .replace(
      /"(\d{4}-\d\d-\d\dT[\d:.]+Z)"/g,
      (_, iso) => `"${new Date(Date.parse(iso) + shift).toISOString()}"`,
    )
    .replace(/"timestamp":(\d{13})/g, (_, ms) => `"timestamp":${Number(ms) + shift}`)
    .replace(/"resetsAt":(\d{10})/g, (_, s) => `"resetsAt":${Number(s) + shift / 1000}`)
    .replace(/resets (\d+)(?::(\d\d))?(am|pm) \(UTC\)/g, (_, hour, minute = "0", half) => {
      const time = new Date(written);
      time.setUTCHours((Number(hour) % 12) + (half === "pm" ? 12 : 0), Number(minute));
      const then = new Date(time.getTime() + shift);
      const minutes = then.getUTCMinutes() ? `:${String(then.getUTCMinutes()).padStart(2, "0")}` : "";
      return `resets ${then.getUTCHours() % 12 || 12}${minutes}${then.getUTCHours() < 12 ? "am" : "pm"} (UTC)`;
    });
}
