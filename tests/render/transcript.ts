// A transcript with everything that a page shows.
import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { slug } from "../../helpers/claude/places.ts";
import type { Home } from "../support/home.ts";

export class Writer {
  readonly id: string;
  readonly rows: string[] = [];
  #at = Date.parse("2026-11-17T18:37:00.000Z");
  #parent: string | null = null;
  readonly #cwd: string;

  constructor(cwd: string, id = "4bb63347-fb0d-4478-85b2-c7d1a7f248fa") {
    this.#cwd = cwd;
    this.id = id;
  }

  row(more: Record<string, unknown>): void {
    const uuid = randomUUID();
    const own = { uuid, parentUuid: this.#parent, sessionId: this.id, cwd: this.#cwd, version: "2.1.329" };
    this.rows.push(
      JSON.stringify({ ...own, timestamp: new Date((this.#at += 61_000)).toISOString(), ...more }),
    );
    this.#parent = uuid;
  }
  prompt(content: unknown, more: object = {}): void {
    this.row({ type: "user", message: { role: "user", content }, ...more });
  }
  answer(...content: object[]): void {
    this.row({ type: "assistant", message: { role: "assistant", model: "m", content } });
  }
  says(text: string): void {
    this.answer({ type: "text", text });
  }
  call(id: string, name: string, input: object): void {
    this.answer({ type: "tool_use", id, name, input });
  }
  result(id: string, content: unknown, failed = false): void {
    this.prompt([{ type: "tool_result", tool_use_id: id, content, ...(failed ? { is_error: true } : {}) }]);
  }
  /** Writes it where Claude would; its path. */
  into(home: Home): string {
    const folder = join(home.path, ".claude/projects", slug(this.#cwd));
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, `${this.id}.jsonl`);
    writeFileSync(path, `${this.rows.join("\n")}\n`, { mode: 0o600 });
    return path;
  }
}

/** One white pixel. */
export const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

export function rich(cwd: string): Writer {
  const w = new Writer(cwd);
  w.row({ type: "custom-title", customTitle: "Retry on 502 <b>in the gateway</b>" });
  w.prompt(
    "Make the **retry** of the gateway three instead of one.\n\nAnd tell me why `fetch` <script>alert(1)</script> fails.",
  );
  w.answer({ type: "thinking", thinking: "a thought that nobody shares", signature: "c2ln" });
  w.says(
    "I look at the code first:\n\n1. read `gateway.ts`\n2. run the tests\n   - unit\n   - end to end\n\n| try | waits |\n|---|---|\n| 1 | 1 s |\n| 2 | 2 s |\n\n```ts\n// three times, then give up\nexport const TRIES = 3; const name = \"a <b>\";\nif (tries > TRIES) throw new Error('gone');\n```\n\nSee [the docs](https://example.org/a?b=1&c=2) and ![x](https://tracker.example.org/p.png).",
  );
  w.call("t1", "Read", { file_path: `${cwd}/src/gateway.ts` });
  w.call("t2", "Bash", { command: "npm test -- --run gateway # all of it", description: "Run the tests" });
  w.result("t2", [{ type: "text", text: "\u001b[32m✓\u001b[0m 12 passed \u202eevil\u0007" }]);
  w.result("t1", "     1\tconst TRIES = 1;\n     2\texport default TRIES;");
  w.call("t3", "Edit", {
    file_path: `${cwd}/src/gateway.ts`,
    old_string: "const TRIES = 1;",
    new_string: "const TRIES = 3;",
  });
  w.result("t3", "The file was updated.");
  w.call("t4", "Write", {
    file_path: `${cwd}/retry.py`,
    content: "# wait\ndef wait(n):\n    return 2 ** n\n",
  });
  w.result("t4", "No space left on device", true);
  w.row({
    type: "assistant",
    isSidechain: true,
    message: { content: [{ type: "text", text: "a subagent's words" }] },
  });
  w.says("### Done\n\nIt is **three** now; an unclosed fence follows:\n\n```sh\necho open");
  w.prompt([
    { type: "text", text: "What is on this picture?" },
    { type: "image", source: { type: "base64", media_type: "image/png", data: PIXEL } },
  ]);
  w.says("A white pixel.\n\n## You\n\nforged");
  w.prompt("This session is being continued from a previous conversation. Summary: retry.", {
    isCompactSummary: true,
  });
  w.row({
    type: "assistant",
    isApiErrorMessage: true,
    message: { model: "<synthetic>", content: [{ type: "text", text: "You've hit your 5-hour limit" }] },
  });
  w.call("t5", "Task", { description: "never answered", prompt: "look" });
  return w;
}
