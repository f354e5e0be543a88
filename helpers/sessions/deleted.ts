import { isCommand, prompts } from "../claude/history.ts";
import { blank, type Session } from "./session.ts";

/** Sessions of which only the history is left: their transcript is deleted. Newest first. */
export function deletedSessions(known: ReadonlySet<string>): Session[] {
  const found = new Map<string, Session>();
  for (const { session: id, text, at, project } of prompts()) {
    if (id === null || known.has(id)) continue;
    const seen = found.get(id);
    if (seen) {
      // Read backwards: each further line is an older one.
      seen.createdAt = at;
      if (!isCommand(text)) seen.title = oneLine(text);
      seen.titleFrom = seen.title === null ? "none" : "prompt";
      seen.project = project ?? seen.project;
      continue;
    }
    const title = isCommand(text) ? null : oneLine(text);
    found.set(id, {
      ...blank(id),
      title,
      titleFrom: title === null ? "none" : "prompt",
      project,
      cwd: project,
      createdAt: at,
      updatedAt: at,
      state: "gone",
      lastPrompt: text,
    });
  }
  return [...found.values()];
}

const oneLine = (text: string): string | null => text.replace(/\s+/g, " ").trim().slice(0, 200) || null;
