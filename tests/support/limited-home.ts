// Homes with limited sessions and a stand-in for claude that is cheap enough for hundreds of starts.

import { randomUUID } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { slug } from "../../helpers/claude/places.ts";
import { type Home, makeHome } from "./home.ts";

export type LimitedHome = Home & {
  /** Makes a session that a limit has stopped; its id. `resetsAt` in epoch ms, null for none. */
  limited(options?: {
    resetsAt?: number | null;
    window?: string;
    at?: number;
    mode?: string;
    project?: string;
    error?: object;
  }): string;
  rows(id: string): { type: string; uuid: string; timestamp: string; message?: { content: unknown } }[];
  /** Prompts of a session after its first. */
  continued(id: string): number;
  /** Arguments of every start of the stand-in. */
  started(): string[];
};

/** Behaves as `claude --resume <id> <prompt>`: adds the prompt, thinks for a moment, adds an answer. */
const STAND_IN = `#!/bin/sh
before= id=
for word; do [ "$before" = --resume ] && id=$word; before=$word; done
echo "$*" >>"$HOME/started.log"
[ -z "$CCR_TEST_FAIL" ] || { echo "$CCR_TEST_FAIL"; exit 1; }
for file in "$HOME"/.claude/projects/*/"$id.jsonl"; do :; done
sleep "\${CCR_TEST_THINK:-0.05}"
now=$(date -u +%Y-%m-%dT%H:%M:%S.000Z)
uuid() { cat /proc/sys/kernel/random/uuid; }
echo '{"type":"user","uuid":"'$(uuid)'","timestamp":"'$now'","sessionId":"'$id'","message":{"role":"user","content":"continue"}}' >>"$file"
sleep "\${CCR_TEST_THINK:-0.05}"
echo '{"type":"assistant","uuid":"'$(uuid)'","timestamp":"'$now'","sessionId":"'$id'","message":{"model":"m","role":"assistant","content":[{"type":"text","text":"Done."}]}}' >>"$file"
echo '{"type":"result","is_error":false,"permission_denials":[{"tool_name":"Bash"}]}'
`;

export function limitedHome(): LimitedHome {
  const home = makeHome();
  writeFileSync(join(home.around, "bin/claude"), STAND_IN);
  chmodSync(join(home.around, "bin/claude"), 0o755);
  const fileOf = new Map<string, string>();
  const rows: LimitedHome["rows"] = (id) =>
    readFileSync(fileOf.get(id)!, "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  return {
    ...home,
    limited({
      resetsAt = Date.now() - 600_000,
      window = "five_hour",
      at = Date.now() - 7_200_000,
      mode,
      project = "app",
      error,
    } = {}) {
      const id = randomUUID();
      const cwd = home.project(project);
      const folder = join(home.path, ".claude/projects", slug(cwd));
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const row = (seconds: number, more: object) =>
        JSON.stringify({
          uuid: randomUUID(),
          timestamp: new Date(at + seconds * 1000).toISOString(),
          sessionId: id,
          cwd,
          version: "2.1.329",
          ...more,
        });
      const info = {
        status: "rejected",
        rateLimitType: window,
        ...(resetsAt === null ? {} : { resetsAt: Math.floor(resetsAt / 1000) }),
      };
      const limit = {
        error: "rate_limit",
        apiError: "usage_limit_reached",
        apiErrorParams: { rate_limit_info: info },
      };
      const file = join(folder, `${id}.jsonl`);
      fileOf.set(id, file);
      writeFileSync(
        file,
        `${row(0, { type: "user", ...(mode ? { permissionMode: mode } : {}), message: { role: "user", content: `task of ${id.slice(0, 8)}` } })}\n${row(
          1,
          {
            type: "assistant",
            isApiErrorMessage: true,
            ...(error ?? limit),
            message: {
              model: "<synthetic>",
              role: "assistant",
              content: [{ type: "text", text: "You've hit your 5-hour limit" }],
            },
          },
        )}\n`,
        { mode: 0o600 },
      );
      return id;
    },
    rows,
    continued: (id) => rows(id).filter(({ type }) => type === "user").length - 1,
    started() {
      try {
        return readFileSync(join(home.path, "started.log"), "utf8").split("\n").filter(Boolean);
      } catch {
        return [];
      }
    },
  };
}
