import { escapeHtml } from "./page-text.ts";

const HASH =
  /^(?:sh|bash|zsh|shell|console|py|python|rb|ruby|ya?ml|toml|dockerfile|make|makefile|tf|hcl|ini|conf|env|r|pl)$/i;
const DASHES = /^(?:sql|lua|hs|elm)$/i;
const MARKUP = /^(?:html?|xml|svg|vue|md|markdown)$/i;
const NONE = /^(?:|te?xt|plain|log|output|csv)$/i;
const KEYWORDS =
  "and|as|async|await|break|case|catch|class|const|continue|def|default|do|done|elif|else|end|enum|esac|except|export|extends|false|False|fi|finally|fn|for|from|func|function|if|impl|import|in|interface|is|let|match|new|nil|None|not|null|or|private|pub|public|raise|return|self|static|struct|switch|then|this|throw|true|True|try|type|undefined|use|var|void|while|with|yield|SELECT|FROM|WHERE|INSERT|UPDATE|JOIN";
/** Longer code (characters) is not highlighted. */
const LARGEST = 20_000;

/** Returns the pattern of comments in a language. */
function commentPattern(language: string): string {
  if (HASH.test(language)) return "(?<![^\\s;])#.*";
  if (DASHES.test(language)) return "--.*";
  if (MARKUP.test(language)) return "<!--[\\s\\S]*?-->";
  return "\\/\\/.*|\\/\\*[\\s\\S]*?\\*\\/";
}

/** The class of a token by the number of its group: comment, string, number, keyword. */
const CLASSES = ["c", "s", "n", "k"];

/** Returns code as HTML with comments, strings, numbers and keywords marked. Large or unknown code stays plain. */
export function highlight(code: string, language: string): string {
  if (code.length > LARGEST || NONE.test(language)) return escapeHtml(code);
  if (/^(?:diff|patch)$/i.test(language))
    return escapeHtml(code).replace(
      /^([+-])(.*)$/gm,
      (line, sign: string) => `<i class=${sign === "+" ? "p" : "m"}>${line}</i>`,
    );
  const tokens = new RegExp(
    `(${commentPattern(language)})|("(?:\\\\.|[^"\\\\\\n])*"|'(?:\\\\.|[^'\\\\\\n])*'|\`(?:\\\\.|[^\`\\\\])*\`)|\\b(\\d[\\w.]*)\\b|\\b(${KEYWORDS})\\b`,
    "g",
  );
  let out = "";
  let at = 0;
  for (const found of code.matchAll(tokens)) {
    const kind = CLASSES[found.slice(1).findIndex(Boolean)];
    out += `${escapeHtml(code.slice(at, found.index))}<i class=${kind}>${escapeHtml(found[0])}</i>`;
    at = found.index + found[0].length;
  }
  return out + escapeHtml(code.slice(at));
}
