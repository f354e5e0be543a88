import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { secrets } from "../redact/secrets.ts";
import { rich, Writer } from "../render/transcript.ts";
import { type Home, makeHome } from "../support/home.ts";
import { ccr } from "../support/program.ts";

vi.setConfig({ testTimeout: 120_000 });

let home: Home;
beforeEach(() => {
  home = makeHome("ccr-pages-");
});
afterEach(() => home.remove());

const [anthropic] = secrets(5);
const OTHER = "dae96318-c8b1-4a2e-9f3d-1c2d3e4f5a6b";

function leaky(): string {
  const w = rich(home.project("app"));
  w.prompt(`my key is ${anthropic!.secret}`);
  return w.into(home);
}

describe("ccr export --format", () => {
  test.each(["md", "html", "json"])(
    "%s: writes one page with mode 0600 and names the secrets on stderr",
    async (format) => {
      leaky();
      const { out, err, status } = await ccr(home, ["export", "4bb6", "--format", format]);
      expect([status, out]).toEqual([0, `${home.path}/app-4bb63347.${format}\n`]);
      expect(err).toContain("secrets redacted: anthropic 1");
      const file = join(home.path, `app-4bb63347.${format}`);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const text = readFileSync(file, "utf8");
      expect(text).toContain("my key is [redacted:anthropic]");
      expect(text).not.toContain(anthropic!.secret);
      expect(readdirSync(home.path).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    },
  );

  test("refuses to overwrite a file without --force", async () => {
    leaky();
    const file = join(home.path, "page.md");
    writeFileSync(file, "mine");
    const refused = await ccr(home, ["export", "4bb6", "./page.md", "--format", "md"]);
    expect([refused.status, readFileSync(file, "utf8")]).toEqual([1, "mine"]);
    expect(refused.err).toContain("--force");
    const forced = await ccr(home, ["export", "4bb6", "./page.md", "--format", "md", "--force"]);
    expect(forced.status, forced.err).toBe(0);
    expect(readFileSync(file, "utf8")).toContain("# Retry on 502");
  });

  test("- writes to stdout, and --no-redact keeps secrets and says so", async () => {
    leaky();
    const { out, err, status } = await ccr(home, ["export", "4bb6", "-", "--format", "md", "--no-redact"]);
    expect(status).toBe(0);
    expect(out).toContain(anthropic!.secret);
    expect(err).toContain("secrets were not redacted");
  });

  test("writes several sessions as pages into a directory, and counts them together", async () => {
    leaky();
    const other = new Writer(home.project("shop"), OTHER);
    // found in the title too: it is the first prompt
    other.prompt(`again ${anthropic!.secret}`);
    other.into(home);
    const { out, status } = await ccr(home, [
      "export",
      "--all",
      "./pages.html",
      "--format",
      "html",
      "--json",
    ]);
    const report = JSON.parse(out);
    expect([status, report.files, report.redacted]).toEqual([0, 2, [{ kind: "anthropic", count: 3 }]]);
    expect(readdirSync(report.file).sort()).toEqual(["app-4bb63347.html", "shop-dae96318.html"]);
  });

  test("refuses an unknown format in one line", async () => {
    leaky();
    const { out, err, status } = await ccr(home, ["export", "4bb6", "--format", "pdf"]);
    expect([out, status]).toEqual(["", 2]);
    expect(err).toBe(`ccr: invalid --format "pdf": use archive, md, html or json\n`);
  });

  test("writes a whole page from a large transcript in little memory", async () => {
    const w = new Writer(home.project("large"));
    const output = `${"x".repeat(99)}\n`;
    for (let i = 0; i < 30; i++) {
      w.prompt(`prompt ${i}`);
      w.call(`t${i}`, "Bash", { command: "make" });
      w.result(`t${i}`, output.repeat(20_000));
      w.says(`answer ${i}`);
    }
    const path = w.into(home);
    expect(statSync(path).size).toBeGreaterThan(55_000_000);
    const { out, status, err } = await ccr(home, ["export", "4bb6", "-", "--format", "html"], {
      env: { NODE_OPTIONS: "--max-old-space-size=64" },
    });
    expect(status, err).toBe(0);
    expect(out.match(/<section/g)).toHaveLength(60);
  });
});

describe("ccr export --redact", () => {
  test("removes secrets from every member of an archive, and keeps the rest byte for byte", async () => {
    const path = leaky();
    const own = path.slice(0, -".jsonl".length);
    mkdirSync(join(own, "subagents"), { recursive: true });
    mkdirSync(join(own, "tool-results"), { recursive: true });
    const row = (text: string) => `${JSON.stringify({ type: "user", message: { content: text } })}\n`;
    writeFileSync(
      join(own, "subagents/agent-1.jsonl"),
      row("nothing here") + row(`key ${anthropic!.secret}`),
    );
    writeFileSync(join(own, "tool-results/a.txt"), `one\nKEY=${anthropic!.secret}\n`);
    writeFileSync(join(own, "tool-results/b.bin"), Buffer.from([0, 255, 1, 2]));
    // Not UTF-8, and a name that tells it.
    const old = (text: string) => Buffer.from(`caf\u00e9 KEY=${text}\n\u0000`, "latin1");
    writeFileSync(join(own, "tool-results/old.txt"), old(anthropic!.secret));
    writeFileSync(join(own, `tool-results/${anthropic!.secret}.txt`), "named");
    const history = {
      display: `use ${anthropic!.secret}`,
      timestamp: 1,
      project: "/x",
      sessionId: rich("/x").id,
    };
    writeFileSync(join(home.path, ".claude/history.jsonl"), `${JSON.stringify(history)}\n`);
    const { err, status } = await ccr(home, ["export", "4bb6", "./a.tar.gz", "--redact"]);
    expect(status, err).toBe(0);
    expect(err).toContain("secrets redacted: anthropic 6");
    const unpacked = join(home.path, "unpacked");
    mkdirSync(unpacked);
    execFileSync("tar", ["-xzf", join(home.path, "a.tar.gz"), "-C", unpacked]);
    const unpackedFiles = readdirSync(unpacked, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    expect(unpackedFiles.map(({ name }) => name)).toContain("[redacted:anthropic].txt");
    const texts = unpackedFiles.map((entry) => readFileSync(join(entry.parentPath, entry.name)));
    for (const text of texts) expect(text.includes(anthropic!.secret)).toBe(false);
    expect(texts.filter((text) => text.includes("[redacted:anthropic]"))).toHaveLength(6);
    expect(texts.some((text) => text.equals(old("[redacted:anthropic]")))).toBe(true);
    expect(texts.some((text) => text.equals(Buffer.from([0, 255, 1, 2])))).toBe(true);
    const before = readFileSync(path, "utf8").split("\n");
    const after = texts
      .map(String)
      .find((text) => text.includes("Retry on 502") && text.includes('"type":"user"'))!;
    const changed = after.split("\n").filter((line, i) => line !== before[i]);
    expect(changed).toHaveLength(1);
  });
});
