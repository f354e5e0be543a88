import type { Item } from "../conversation/items.ts";
import type { Redactor } from "../redact/redactor.ts";
import { escapeControls } from "../system/control-characters.ts";
import { iso, type PageHead } from "./page-text.ts";

/** Yields the JSON of `ccr/transcript@1` (docs/schemas/transcript.json), one line a message. */
export function* asJson(head: PageHead, all: Iterable<Item>, redactor: Redactor | null): Generator<string> {
  const session = { ...head, createdAt: iso(head.createdAt), updatedAt: iso(head.updatedAt) };
  yield `{"schema":"ccr/transcript@1","generatedAt":"${new Date().toISOString()}","session":${escapeControls(JSON.stringify(session))},"messages":[`;
  let between = "\n";
  for (const item of all) {
    const message =
      item.kind === "tool"
        ? {
            role: "tool",
            text: null,
            tool: { name: item.name, input: item.input, result: item.result, failed: item.failed },
          }
        : {
            role: { prompt: "user", answer: "assistant", note: "note" }[item.kind],
            text: item.text,
            tool: null,
          };
    yield `${between}${escapeControls(JSON.stringify({ at: iso(item.at), ...message }))}`;
    between = ",\n";
  }
  yield `\n],"redacted":${JSON.stringify(redactor?.list() ?? null)},"warnings":[]}\n`;
}
