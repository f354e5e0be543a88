// Sessions that grow row by row, without a Claude: for commands that copy, cut and merge transcripts.

import { randomUUID } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { slug } from "../../helpers/claude/places.ts";
import type { Home } from "./home.ts";

export type Grown = {
  id: string;
  path: string;
  /** Adds a prompt and its answer; the uuid of the answer. */
  say(words: string): string;
};

const projects = (home: Home): string => join(home.path, ".claude/projects");

/** A session in a project of a home, as large as its turns make it. */
export function grown(
  home: Home,
  project: string,
  turns: readonly string[],
  id: string = randomUUID(),
): Grown {
  const cwd = home.project(project);
  const folder = join(projects(home), slug(cwd));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${id}.jsonl`);
  const session = at(path, id, cwd);
  for (const words of turns) session.say(words);
  return session;
}

/** A session that lies in a home already, to go on with there. */
export function present(home: Home, id: string): Grown {
  const path = files(home).get(id);
  if (path === undefined) throw new Error(`${id} is not in ${home.path}`);
  const cwd = readFileSync(path, "utf8").match(/"cwd":"([^"]*)"/)![1]!;
  return at(path, id, cwd);
}

function at(path: string, id: string, cwd: string): Grown {
  const lines = existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
  let parent: string | null = lines.map((line) => JSON.parse(line).uuid).findLast(Boolean) ?? null;
  const add = (row: object): string => {
    const uuid = randomUUID();
    const more = { parentUuid: parent, uuid, sessionId: id, timestamp: new Date().toISOString(), cwd };
    appendFileSync(path, `${JSON.stringify({ ...row, isSidechain: false, version: "2.1.329", ...more })}\n`, {
      mode: 0o600,
    });
    parent = uuid;
    return uuid;
  };
  return {
    id,
    path,
    say(words) {
      add({ type: "user", message: { role: "user", content: words } });
      const content = [{ type: "text", text: `Answer to ${words} in ${cwd}` }];
      return add({
        type: "assistant",
        message: { role: "assistant", model: "m", stop_reason: "end_turn", content },
      });
    },
  };
}

/** Session id → transcript of a home, or of any folder that is laid out like one's `.claude`. */
export function files(home: Home | string): Map<string, string> {
  const root = typeof home === "string" ? join(home, "projects") : projects(home);
  const found = new Map<string, string>();
  for (const folder of existsSync(root) ? readdirSync(root) : [])
    for (const name of readdirSync(join(root, folder)))
      if (/^[0-9a-f-]{36}\.jsonl$/.test(name)) found.set(name.slice(0, 36), join(root, folder, name));
  return found;
}

/** What was said in a transcript, oldest first; throws where a line is torn. */
export const saidIn = (path: string): string[] =>
  readFileSync(path, "utf8")
    .split("\n")
    .filter(Boolean)
    .flatMap((line) => {
      const { type, message } = JSON.parse(line);
      if (type !== "user" && type !== "assistant") return [];
      return typeof message.content === "string" ? [message.content] : [message.content[0].text];
    });
