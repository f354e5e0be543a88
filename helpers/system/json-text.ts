// JSON as text, for edits that change no other byte. Pure; positions are those of the text that is given.

export type Member = { key: string; from: number; value: number; end: number };

const BLANK = /[\s]/;

export function skip(text: string, at: number): number {
  let i = at;
  while (i < text.length && BLANK.test(text[i]!)) i++;
  return i;
}

/** End of the JSON value that begins at `at`. The text is known to be JSON. */
export function endOf(text: string, at: number): number {
  if (text[at] === '"') return stringEnd(text, at);
  if (text[at] !== "{" && text[at] !== "[") return at + /^[^,\]}\s]+/.exec(text.slice(at))![0].length;
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    const c = text[i]!;
    if (c === '"') i = stringEnd(text, i) - 1;
    else if (c === "{" || c === "[") depth++;
    else if ((c === "}" || c === "]") && --depth === 0) return i + 1;
  }
  return text.length;
}

function stringEnd(text: string, at: number): number {
  let i = at + 1;
  while (text[i] !== '"') i += text[i] === "\\" ? 2 : 1;
  return i + 1;
}

/** Members of the object that begins at `at`. */
export function members(text: string, at: number): Member[] {
  const found: Member[] = [];
  for (let i = skip(text, at + 1); text[i] === '"'; ) {
    const close = stringEnd(text, i);
    const value = skip(text, skip(text, close) + 1);
    const end = endOf(text, value);
    found.push({ key: JSON.parse(text.slice(i, close)), from: i, value, end });
    const comma = skip(text, end);
    i = text[comma] === "," ? skip(text, comma + 1) : comma;
  }
  return found;
}

const blanks = (text: string): string => text.replace(/[^\r\n]/g, " ");

/** JSON with comments, trailing commas and a byte order mark as plain JSON of the same length. */
export const plainJson = (text: string): string =>
  text
    .replace(/^\ufeff/, " ")
    .replace(/("(?:[^"\\\r\n]|\\.)*")|\/\/[^\r\n]*|\/\*[\s\S]*?\*\//g, (found, word) => word ?? blanks(found))
    .replace(/("(?:[^"\\\r\n]|\\.)*")|(?<![[{]\s*),(?=\s*[\]}])/g, (_, word) => word ?? " ");

/** JSON in ASCII, which is parsed fastest: other characters are escaped. It has no tab and no newline. */
export const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[^\u0000-\u007f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
