// Homes for the board: sessions in every state, and a stand-in for claude that registers itself as the real one does.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { slug } from "../../helpers/claude/places.ts";
import { type LimitedHome, limitedHome } from "./limited-home.ts";
import { type Installed, install } from "./program.ts";
import { waitFor } from "./wait-for.ts";

/** Registers, shows its arguments, and writes down each line that it is given; ends by signals, and takes its entry along. */
const STAND_IN = `#!/bin/bash
before= id=
for word; do case $before in --resume | -r | --session-id) id=$word ;; esac; before=$word; done
entry=$HOME/.claude/sessions/$$.json
mkdir -p "$HOME/.claude/sessions"
trap 'rm -f "$entry"; exit 0' TERM HUP INT
start=$(sed 's/.*) //' /proc/$$/stat | cut -d' ' -f20)
printf '{"pid":%s,"sessionId":"%s","cwd":"%s","procStart":"%s","kind":"interactive","entrypoint":"cli","status":"%s","startedAt":%s}' \\
  $$ "$id" "$PWD" "$start" "\${CCR_TEST_STATUS:-idle}" "$(date +%s000)" >"$entry"
echo "claude $id"
while :; do read -r -t 1 line && echo "$line" >>"$HOME/typed.log"; done
`;

export type BoardHome = LimitedHome & {
  /** runs an installed command */
  run: Installed;
  /** Writes a transcript: of a few messages, ended at a time. */
  session(id: string, project: string, title: string, at?: number): string;
  /** Starts the stand-in in a tmux session of its own; its pid. */
  live(id: string, project: string, title: string): Promise<number>;
  /** Says in the registry what a live one does now, in place, as the CLI does. */
  status(pid: number, status: string, waitingFor?: string): void;
};

export async function boardHome(): Promise<BoardHome> {
  const home = limitedHome();
  writeFileSync(join(home.around, "bin/claude"), STAND_IN, { mode: 0o755 });
  writeFileSync(join(home.path, ".bashrc"), "PS1='ready> '\n");
  const run = await install(home, { seconds: 90 });
  const session: BoardHome["session"] = (id, project, title, at = Date.now() - 3_600_000) => {
    const cwd = home.project(project);
    const folder = join(home.path, ".claude/projects", slug(cwd));
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const file = join(folder, `${id}.jsonl`);
    const timestamp = new Date(at).toISOString();
    const rows = ["user", "assistant"].map((type) => ({
      type,
      message: { role: type, content: [{ type: "text", text: `${type} of ${title}` }] },
      cwd,
      gitBranch: "main",
      sessionId: id,
      timestamp,
    }));
    const text = [...rows, { type: "custom-title", customTitle: title, sessionId: id }];
    writeFileSync(file, `${text.map((row) => JSON.stringify(row)).join("\n")}\n`);
    return file;
  };
  const entryOf = (
    test: (entry: Record<string, unknown>) => boolean,
  ): [string, Record<string, unknown>] | undefined => {
    const folder = join(home.path, ".claude/sessions");
    for (const name of readdirSync(folder)) {
      try {
        const entry = JSON.parse(readFileSync(join(folder, name), "utf8"));
        if (test(entry)) return [join(folder, name), entry];
      } catch {
        // half written
      }
    }
    return undefined;
  };
  mkdirSync(join(home.path, ".claude/sessions"), { recursive: true });
  return {
    ...home,
    run,
    session,
    async live(id, project, title) {
      session(id, project, title);
      const { status, err } = await run(["ccr", "open", id]);
      if (status !== 0) throw new Error(`ccr open: ${err}`);
      const registered = () => entryOf((entry) => entry.sessionId === id);
      return (await waitFor(registered, `the stand-in for ${id} registers`))[1].pid as number;
    },
    status(pid, status, waitingFor) {
      const [file, entry] = entryOf((one) => one.pid === pid)!;
      writeFileSync(file, JSON.stringify({ ...entry, status, waitingFor }));
    },
  };
}
