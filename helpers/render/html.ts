import type { Item } from "../conversation/items.ts";
import { type Redactor, redactionSummary } from "../redact/redactor.ts";
import { highlight } from "./highlight.ts";
import { clock, escapeHtml, heading, iso, type PageHead, visibleText } from "./page-text.ts";
import { summarizeTool } from "./tool-summary.ts";

// Translucent greys and the browser's colours fit light and dark mode; only code has colours of its own.
const STYLE = `:root{color-scheme:light dark;--s:#0a6640;--n:#0550ae;--k:#a0259a;--m:#a40e26}
@media(prefers-color-scheme:dark){:root{--s:#7ee0a6;--n:#79c0ff;--k:#e29bf0;--m:#ffa198}}
*{box-sizing:border-box}body{margin:auto;max-width:54rem;padding:1rem;font:16px/1.55 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.4rem;margin:0}h2{font-size:.8rem;margin:0}h2,header p,footer,summary,.c,.o{opacity:.7}header p,footer,summary{font-size:.85rem;margin:0}h4{margin:.8rem 0 .2rem}
section{margin:1.2rem 0}.u{background:#8882;border-radius:.6rem;padding:.7rem}.o{border-left:3px solid;padding-left:.8rem}
p{margin:.4rem 0;white-space:pre-wrap}.l{padding-left:1.1em;text-indent:-1.1em;margin:.1rem 0}
pre,code{font:.82rem/1.45 ui-monospace,monospace;background:#8882;border-radius:.3rem}pre{padding:.6rem;overflow:auto;max-height:32rem;margin:.5rem 0;tab-size:4}code{padding:.1em .3em}
details{margin:.4rem 0;border:1px solid #8885;border-radius:.5rem;padding:.35rem .7rem}section,details{content-visibility:auto;contain-intrinsic-size:auto 2rem}
summary{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}i{font-style:normal}.s,.p{color:var(--s)}.n,a{color:var(--n)}.k{color:var(--k)}.m,.f b{color:var(--m)}img{max-width:100%}`;

/** Yields a page in HTML: one file without scripts that loads nothing, readable on a phone, in light and dark mode. */
export function* html(head: PageHead, all: Iterable<Item>, redactor: Redactor | null): Generator<string> {
  const [title, about] = heading(head);
  yield `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';style-src 'unsafe-inline';img-src data:">
<title>${escapeHtml(title)}</title><style>${STYLE}</style>
<header><h1>${escapeHtml(title)}</h1>${about.map((line) => `<p>${escapeHtml(line)}</p>`).join("")}</header>
`;
  for (const item of all) {
    if (item.kind === "tool") {
      const { summary, parts } = summarizeTool(item.input, item.result, item.failed);
      yield `<details${item.failed ? " class=f" : ""}><summary><b>${escapeHtml(visibleText(item.name))}</b> ${escapeHtml(summary)}</summary>`;
      for (const [code, language] of parts) yield pre(code, language);
      yield "</details>\n";
      continue;
    }
    const [look, who] = { prompt: ["u", "You"], answer: ["a", "Claude"], note: ["o", "Note"] }[item.kind];
    const time = iso(item.at) ? ` <time datetime="${iso(item.at)}">${clock(item.at)}</time>` : "";
    yield `<section class=${look}><h2>${who}${time}</h2>${rendered(visibleText(item.text))}${item.pictures
      .map(({ type, data }) =>
        data === "" ? "<p>(picture)</p>" : `<img alt="picture" src="data:${type};base64,${data}">`,
      )
      .join("")}</section>\n`;
  }
  yield `<footer>Written by ccr; ${redactionSummary(redactor)}.</footer></html>\n`;
}

const pre = (code: string, language: string): string => `<pre>${highlight(code, language)}</pre>`;

/** Renders the Markdown that Claude writes: paragraphs, fences, headings, lists, and tables as they are typed. */
function rendered(text: string): string {
  let out = "";
  let paragraph: string[] = [];
  const flush = (): void => {
    const text = paragraph.join("\n").trim();
    if (text !== "") out += `<p>${inline(text)}</p>`;
    paragraph = [];
  };
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; ) {
    const block = blockAt(lines, i);
    if (block) {
      flush();
      out += block.html;
      i = block.next;
      continue;
    }
    if (lines[i]!.trim() === "") flush();
    else paragraph.push(lines[i]!);
    i++;
  }
  flush();
  return out;
}

/** Renders the fence, table, heading or list item that begins at a line; null for text. `next` is the line after it. */
function blockAt(lines: readonly string[], start: number): { html: string; next: number } | null {
  const line = lines[start]!;
  const [, fence, language = ""] = /^\s*(`{3,}|~{3,})\s*([\w+#-]*)[^`]*$/.exec(line) ?? [];
  if (fence) {
    const isEnd = (text: string): boolean => text.startsWith(fence) && /^(.)\1*$/.test(text);
    let end = start + 1;
    while (end < lines.length && !isEnd(lines[end]!.trim())) end++;
    return { html: pre(lines.slice(start + 1, end).join("\n"), language), next: end + 1 };
  }
  if (/^\s*\|.*\|\s*$/.test(line)) {
    let end = start + 1;
    while (/^\s*\|/.test(lines[end] ?? "")) end++;
    return { html: pre(lines.slice(start, end).join("\n"), ""), next: end };
  }
  const heading = /^#{1,6} (.*)/.exec(line)?.[1];
  if (heading !== undefined) return { html: `<h4>${inline(heading)}</h4>`, next: start + 1 };
  const [, indent = "", sign = "", point] = /^(\s*)([-*+]|\d+[.)])\s+(.*)/.exec(line) ?? [];
  if (point === undefined) return null;
  const margin = Math.min(8, indent.length / 2);
  const bullet = /\d/.test(sign) ? sign : "\u2022";
  return {
    html: `<p class=l style="margin-left:${margin}em">${bullet} ${inline(point)}</p>`,
    next: start + 1,
  };
}

/** Renders code, bold text and links to the web; escapes everything else. */
const inline = (text: string): string =>
  text
    .split(/(`+)((?:(?!\1)[\s\S]){1,2000}?)\1(?!`)/)
    .map((part, i) => {
      // The split gives text, backticks, code, text, …
      if (i % 3 === 1) return "";
      if (i % 3 === 2) return `<code>${escapeHtml(part.trim())}</code>`;
      return escapeHtml(part)
        .replace(/\*\*([^*\n]{1,500})\*\*/g, "<b>$1</b>")
        .replace(
          /\[([^\][\n]{1,300})\]\((https?:\/\/[^\s()<>]{1,1000})\)/g,
          '<a rel="noreferrer" href="$2">$1</a>',
        );
    })
    .join("");
