import type { Item } from "../conversation/items.ts";
import { type Redactor, redactionSummary } from "../redact/redactor.ts";
import { clock, escapeHtml, heading, type PageHead, visibleText } from "./page-text.ts";
import { summarizeTool } from "./tool-summary.ts";

/** Yields a page in Markdown: prompts as quotes, answers as Claude wrote them, tool calls folded. */
export function* markdown(head: PageHead, all: Iterable<Item>, redactor: Redactor | null): Generator<string> {
  const [title, about] = heading(head);
  yield `# ${plain(oneLine(title))}\n\n${about.map((line) => `- ${plain(line)}\n`).join("")}`;
  let last = "";
  for (const item of all) {
    if (item.kind === "tool") {
      const { summary, parts } = summarizeTool(item.input, item.result, item.failed);
      yield `\n<details><summary>${escapeHtml(oneLine(`${visibleText(item.name)} ${summary}`))}</summary>\n`;
      for (const [code, language] of parts) yield `\n${fenced(code, language)}\n`;
      yield "\n</details>\n";
      continue;
    }
    const who = { prompt: "You", answer: "Claude", note: "Note" }[item.kind];
    if (who !== last || who === "You") yield `\n## ${who} ${clock(item.at)}`.trimEnd().concat("\n");
    last = who;
    const body = safe(visibleText(item.text)) + item.pictures.map(() => "\n\n(picture)").join("");
    yield `\n${item.kind === "answer" ? body : body.replace(/^/gm, "> ")}\n`;
  }
  yield `\n---\n\nWritten by ccr; ${redactionSummary(redactor)}.\n`;
}

const oneLine = (text: string): string => text.replace(/\s+/g, " ").trim().slice(0, 200);
const plain = (text: string): string => escapeHtml(text).replace(/[\\`*_[\]]/g, "\\$&");

/** Returns code in a fence that is longer than any run of backticks in it. */
function fenced(code: string, language: string): string {
  const longest = Math.max(2, ...[...code.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${code}\n${fence}`;
}

/** Makes untrusted Markdown safe: no HTML outside of code, no images to load, and every fence is closed. */
function safe(text: string): string {
  let open: string | undefined;
  const lines = text.split("\n").map((line) => {
    const fence = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (open !== undefined) {
      if (fence?.startsWith(open) && line.trim() === fence) open = undefined;
      return line;
    }
    if (fence && !(fence[0] === "`" && line.trim().slice(fence.length).includes("`"))) {
      open = fence;
      return line;
    }
    // Headings become smaller than those of the page.
    return line
      .replace(/^ {0,3}(?=#{1,4}\s)/, "##")
      .split(/(`[^`]+`)/)
      .map((part, i) => (i % 2 ? part : part.replace(/</g, "&lt;").replace(/!\[/g, "!\\[")))
      .join("");
  });
  if (open !== undefined) lines.push(open);
  return lines.join("\n");
}
