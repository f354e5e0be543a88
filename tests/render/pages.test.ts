import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Redactor } from "../../helpers/redact/redactor.ts";
import { FORMATS, type Format, renderPage } from "../../helpers/render/render.ts";
import { secrets } from "../redact/secrets.ts";
import { root } from "../support/home.ts";
import { PIXEL, rich, Writer } from "./transcript.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ccr-pages-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function page(
  format: Format,
  writer: Writer,
  redactor: Redactor | null = new Redactor(),
  title = "A title",
): string {
  const path = join(folder, "t.jsonl");
  writeFileSync(path, `${writer.rows.join("\n")}\n`);
  const at = Date.parse("2026-11-17T18:37:00Z");
  const head = { id: writer.id, title, project: "/home/me/app", createdAt: at, updatedAt: at + 3_600_000 };
  return [...renderPage(format, path, head, redactor)].join("");
}

/** What a reader of the page sees of its text, tags taken out. */
const seen = (html: string): string =>
  html
    .replace(/<style>[\s\S]*?<\/style>|<[^>]*>/g, "")
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));

const HEAD = "/home/me/app";

describe("a page of a session:", () => {
  test.each(FORMATS)(
    "%s tells prompts, answers, calls and results in their order, and nothing else",
    (format) => {
      const text = page(format, rich(HEAD));
      const told = format === "html" ? seen(text) : text;
      const order = [
        "of the gateway three",
        "I look at the code first",
        "Run the tests",
        "12 passed",
        "src/gateway.ts",
        "TRIES = 1",
        "No space left",
        "Done",
        "on this picture",
        "A white pixel",
        "was compacted",
        "5-hour limit",
        "never answered",
      ];
      let at = 0;
      for (const part of order) {
        const next = told.indexOf(part, at);
        expect(next, `${part} after ${told.slice(at - 20, at)}`).toBeGreaterThanOrEqual(at);
        at = next;
      }
      expect(told).not.toContain("a thought that nobody shares");
      expect(told).not.toContain("a subagent's words");
    },
  );

  test.each(FORMATS)("%s of an empty, a damaged and a binary transcript is whole", (format) => {
    const writer = rich(HEAD);
    for (const rows of [
      [],
      ["", "{"],
      ['{"type":"user","mess'],
      ["\u0000\u0000\u0000"],
      [...writer.rows, "\u0000{", "garbage"],
    ]) {
      const other = new Writer(HEAD);
      other.rows.push(...rows);
      const text = page(format, other);
      expect(text.length).toBeGreaterThan(100);
      if (format === "json") JSON.parse(text);
      if (rows.includes("garbage"))
        expect(text).toContain("2 damaged lines of the transcript could not be read.");
    }
  });

  test.each(FORMATS)(
    "%s of input that is nested 100,000 deep, and of times that no calendar has",
    (format) => {
      const w = rich(HEAD);
      w.call("deep", "Other", { deep: "HERE" });
      w.rows.push(w.rows.pop()!.replace('"HERE"', `${"[".repeat(100_000)}1${"]".repeat(100_000)}`));
      w.row({ type: "user", timestamp: 1e300, message: { content: "the end of time" } });
      for (const redactor of [null, new Redactor()])
        expect(page(format, w, redactor)).toContain("the end of time");
    },
  );

  test.each(["md", "html"] as const)("%s shows control characters and bidi overrides as marks", (format) => {
    const text = page(format, rich(HEAD));
    expect(text).toMatch(/12 passed .?evil/);
    expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
    expect(text).not.toContain("[32m");
  });
});

describe("the json page", () => {
  test("is what its schema says", () => {
    const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true, formats: { "date-time": true } });
    for (const name of ["common", "transcript"])
      ajv.addSchema(JSON.parse(readFileSync(join(root, `docs/schemas/${name}.json`), "utf8")));
    const validate = ajv.getSchema("transcript.json")!;
    for (const redactor of [null, new Redactor()]) {
      const text = page("json", rich(HEAD), redactor);
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
      expect(
        JSON.parse(text).messages.some((one: { tool: { result: string } | null }) =>
          one.tool?.result?.includes("\u202eevil"),
        ),
      ).toBe(true);
      validate(JSON.parse(text));
      expect(validate.errors ?? []).toEqual([]);
    }
  });
});

describe("the html page", () => {
  test("is one file that fetches nothing and runs nothing", () => {
    const text = page("html", rich(HEAD), null);
    expect(text).not.toMatch(/<script|<link|<iframe|<object|<embed|@import|url\(|\son\w+=/i);
    expect(text).toContain("default-src 'none'");
    expect([...text.matchAll(/\ssrc="([^"]{0,22})/g)].map(([, src]) => src)).toEqual([
      "data:image/png;base64,",
    ]);
    expect([...text.matchAll(/href="([^"]*)"/g)].map(([, href]) => href)).toEqual([
      "https://example.org/a?b=1&#38;c=2",
      "https://tracker.example.org/p.png",
    ]);
    expect(text).toContain("prefers-color-scheme:dark");
    expect(text).toContain('name="viewport"');
  });

  test("escapes data wherever it stands", () => {
    const evil = `"><img src=x onerror=alert(1)>'<b>&lt;`;
    const w = new Writer(HEAD);
    w.prompt(`${evil} \`${evil}\` **${evil}** [${evil}](https://e.example/${evil}) [x](javascript:alert(1))`);
    w.says(`# ${evil}\n- ${evil}\n| ${evil} |\n\n\`\`\`ts\n${evil}\n\`\`\`\n\`\`\`${evil}\n${evil}`);
    w.call("a", evil, { command: evil, description: evil });
    w.result("a", evil, true);
    w.call("b", "Edit", { file_path: `x.${evil}`, old_string: evil, new_string: evil });
    w.result("b", [{ type: "text", text: evil }]);
    w.call("c", "Other", { [evil]: evil, more: [evil] });
    const text = page("html", w, null, evil);
    const tags = new Set([...text.matchAll(/<(\/?[a-z!]\w*)/gi)].map(([, tag]) => tag!.replace("/", "")));
    const known = [
      "!doctype",
      "html",
      "meta",
      "title",
      "style",
      "header",
      "h1",
      "p",
      "section",
      "h2",
      "time",
      "code",
      "b",
      "h4",
      "pre",
      "i",
      "details",
      "summary",
      "footer",
      "a",
    ];
    expect([...tags].filter((tag) => !known.includes(tag))).toEqual([]);
    expect(text).not.toMatch(/<[^>]*onerror/);
    expect(text).not.toMatch(/href="javascript/);
    expect(seen(text)).toContain(evil);
  });

  test("folds tool calls, closed, and marks those that failed", () => {
    const text = page("html", rich(HEAD));
    expect(text.match(/<details/g)).toHaveLength(5);
    expect(text).not.toContain("<details open");
    expect(text).toMatch(/<details class=f><summary><b>Write<\/b> [^<]*retry\.py \(failed\)<\/summary>/);
  });

  test("colours code by its language", () => {
    const text = page("html", rich(HEAD));
    expect(text).toContain("<i class=c>// three times, then give up</i>");
    expect(text).toContain("<i class=k>export</i> <i class=k>const</i> TRIES = <i class=n>3</i>");
    expect(text).toContain("<i class=s>&#34;a &#60;b&#62;&#34;</i>");
    expect(text).toContain("<i class=m>-const TRIES = 1;</i>");
    expect(text).toContain("<i class=c># wait</i>");
    expect(text).toContain("<i class=c># all of it</i>");
  });

  test("keeps pictures only when secrets are kept too", () => {
    expect(page("html", rich(HEAD), null)).toContain(`src="data:image/png;base64,${PIXEL}"`);
    const redacted = page("html", rich(HEAD));
    expect(redacted).not.toContain(PIXEL);
    expect(redacted).toContain("(picture)");
  });
});

describe("the Markdown page", () => {
  test("lets no data act as HTML, as a picture that is fetched, or as one of our headings", () => {
    const text = page("md", rich(HEAD));
    const outside = text.replace(/^(`{3,})[\s\S]*?^\1$/gm, "").replace(/`[^`\n]*`/g, "");
    expect([...outside.matchAll(/<\/?(\w+)/g)].map(([, tag]) => tag)).toEqual(
      expect.arrayContaining(["details", "summary"]),
    );
    expect(outside).not.toMatch(/<(?!\/?(?:details|summary)>)/);
    expect(outside).not.toContain("![");
    expect(text.match(/^## /gm)).toHaveLength(5);
    expect(text).toContain("#### You");
  });

  test("closes every fence, its own ones being longer than those within", () => {
    const w = new Writer(HEAD);
    w.call("a", "Bash", { command: "cat <<'X'\n````\n```\nX" });
    w.result("a", "`````");
    w.says("~~~\nopen");
    w.prompt("```\nopen too");
    const text = page("md", w);
    expect(text).toContain("`````sh\ncat <<'X'\n````\n```\nX\n`````\n");
    expect(text).toContain("``````\n`````\n``````\n");
    expect(text).toContain("~~~\nopen\n~~~\n");
    expect(text).toContain("> ```\n> open too\n> ```\n");
  });
});

describe("secrets in pages", () => {
  const all = secrets(11);
  /** One transcript with every secret in a prompt, an answer, a call, a result, a title and a nested JSON. */
  function leaky(): Writer {
    const w = new Writer(HEAD);
    for (const [i, { text }] of all.entries()) {
      const id = `t${i}`;
      if (i % 4 === 0) w.prompt(`please use\n${text}\nfor it`);
      else if (i % 4 === 1) w.says(`It is here:\n\n\`\`\`sh\n${text}\n\`\`\`\nand \`${text}\``);
      else if (i % 4 === 2) w.call(id, "Bash", { command: `echo '${text}'\n`, description: text });
      else w.call(id, "Write", { file_path: "/x/.env", content: `# config\n${text}\n` });
      if (i % 4 > 1)
        w.result(id, [
          { type: "text", text: `\u001b[33m${text}\u001b[0m\n${JSON.stringify({ row: text })}` },
        ]);
    }
    return w;
  }

  test.each(FORMATS)("none of the list is in %s, in any spelling, and the report counts them", (format) => {
    const redactor = new Redactor();
    const writer = leaky();
    const text = page(format, writer, redactor, all[0]!.secret);
    const spellings = [text, seen(text), text.replace(/^> /gm, "")];
    if (format === "json") spellings.push(JSON.stringify(JSON.parse(text)), text.replaceAll("\\n", "\n"));
    for (const { kind, secret } of all) {
      for (const spelling of spellings) {
        expect(spelling, kind).not.toContain(secret);
        expect(spelling, kind).not.toContain(JSON.stringify(secret).slice(1, -1));
        for (const line of secret.split("\n").filter((one) => one.length > 20))
          expect(spelling, kind).not.toContain(line);
      }
      expect(redactor.found.get(kind) ?? 0, kind).toBeGreaterThan(0);
    }
    const kinds = new Set(all.map(({ kind }) => kind));
    expect([...redactor.found.keys()].filter((kind) => !kinds.has(kind))).toEqual([]);
    if (format !== "json") expect(text).toContain(`secrets redacted: ${redactor.report()}`);
    else expect(JSON.parse(text).redacted).toEqual(redactor.list());
  });

  test.each(FORMATS)("are found in %s when JSON escapes stand in their middle", (format) => {
    const { secret } = all.find(({ kind }) => kind === "github")!;
    const w = new Writer(HEAD);
    w.prompt(`use ${secret} now`);
    const spelled = [...secret]
      .map((c, i) => (i % 2 ? c : `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`))
      .join("");
    w.rows[0] = w.rows[0]!.replace(secret, spelled);
    expect(w.rows[0]).not.toContain(secret);
    const text = page(format, w);
    expect(text).not.toContain(secret);
    expect(text).toContain("[redacted:github]");
  });

  test("stay on request, and the page says so", () => {
    const text = page("md", leaky(), null);
    expect(text).toContain(all[1]!.secret);
    expect(text).toContain("secrets were not redacted");
  });
});
