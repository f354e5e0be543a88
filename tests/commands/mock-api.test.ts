import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { root } from "../support/home.ts";
import { limit, type MockApi, mockApi, say, throttled, use } from "../support/mock-api.ts";

let api: MockApi;
beforeEach(async () => {
  api = await mockApi();
});
afterEach(() => api.close());

const turn = { model: "m", stream: true, tools: [{}], messages: [{ role: "user", content: "hi" }] };

function ask(body: unknown, url = api.url): Promise<Response> {
  return fetch(`${url}/v1/messages?beta=true`, { method: "POST", body: JSON.stringify(body) });
}

async function answered(body: unknown, url?: string): Promise<string> {
  const message = (await (await ask(body, url)).json()) as { content: { text: string }[] };
  return message.content[0]!.text;
}

/** The events of a stream, parsed. */
async function events(response: Response) {
  return (await response.text())
    .split("\n\n")
    .filter(Boolean)
    .map((event) => JSON.parse(event.split("\ndata: ")[1]!));
}

describe("the mock of the Messages API", () => {
  it("streams text in pieces that add up", async () => {
    const text = "Über 日本語 🎉, a longer text that needs several pieces.";
    api.answers.push(say(text));
    const all = await events(await ask(turn));
    expect(all.map((event) => event.type)).toEqual([
      "message_start",
      "content_block_start",
      ...all.filter((event) => event.type === "content_block_delta").map((event) => event.type),
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
    expect(all.map((event) => event.delta?.text ?? "").join("")).toBe(text);
  });

  it("asks for a tool", async () => {
    api.answers.push(use("Bash", { command: "ls" }, { text: "Looking." }));
    const all = await events(await ask(turn));
    expect(all.filter((event) => event.type === "content_block_start")).toMatchObject([
      { content_block: { type: "text" } },
      { content_block: { type: "tool_use", name: "Bash", input: {} } },
    ]);
    expect(JSON.parse(all.find((event) => event.delta?.partial_json).delta.partial_json)).toEqual({
      command: "ls",
    });
    expect(all.find((event) => event.type === "message_delta").delta.stop_reason).toBe("tool_use");
  });

  it("gives the scripted answers in order, then numbered ones, and spends none on titles and probes", async () => {
    api.answers.push(throttled(), say("second"));
    expect((await ask({ ...turn, tools: [], stream: false })).status).toBe(200);
    expect((await ask({ ...turn, max_tokens: 1 })).status).toBe(200);
    expect((await ask(turn)).status).toBe(429);
    const texts: string[] = [];
    for (let n = 0; n < 3; n++) texts.push(await answered({ ...turn, stream: false }));
    expect(texts).toEqual(["second", "Answer 1.", "Answer 2."]);
    expect(api.turns().map(({ status }) => status)).toEqual([429, 200, 200, 200]);
  });

  it("reports a limit in the headers of the service", async () => {
    api.answers.push(limit("seven_day", 1_900_000_000, { overage: true }));
    const response = await ask(turn);
    const header = (name: string) => response.headers.get(`anthropic-ratelimit-unified-${name}`);
    expect(response.status).toBe(429);
    expect(
      ["status", "representative-claim", "reset", "7d-status", "5h-status", "overage-status"].map(header),
    ).toEqual(["rejected", "seven_day", "1900000000", "rejected", "allowed", "rejected"]);
  });

  it("answers the CLI's other requests, and refuses the rest", async () => {
    const status = async (path: string) => (await fetch(api.url + path)).status;
    expect(await status("/api/hello")).toBe(200);
    expect(await status("/v1/models")).toBe(200);
    expect(await status("/v1/messages/count_tokens")).toBe(200);
    expect(await status("/v1/files")).toBe(404);
  });

  it("ends a slow answer when it is closed", async () => {
    api.answers.push(say("slow ".repeat(100), { pace: 1000 }));
    const response = await ask(turn);
    const text = response.text();
    await api.close();
    await expect(text).rejects.toThrow();
  });

  it("listens on loopback only", () => {
    expect(new URL(api.url).hostname).toBe("127.0.0.1");
  });
});

describe("the mock as a process of its own", () => {
  it("reads answers from a file, logs what it is asked, and ends with its parent", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ccr-mock-"));
    writeFileSync(join(folder, "answers.json"), JSON.stringify([say("from the file")]));
    const words = ["--import", "tsx", "tests/support/mock-api.ts", "--answers", join(folder, "answers.json")];
    const line = [process.execPath, ...words, "--log", join(folder, "log")]
      .map((word) => `'${word}'`)
      .join(" ");
    // The shell in between is the parent that goes away.
    const shell = execa("sh", ["-c", `${line} & echo $!; read _`], {
      cwd: root,
      reject: false,
      cleanup: true,
    });
    const lines = shell.iterable();
    const next = async () => (await lines.next()).value as string;
    const pid = Number(await next());
    const url = await next();

    expect(await answered({ ...turn, stream: false }, url)).toBe("from the file");
    expect(JSON.parse(readFileSync(join(folder, "log"), "utf8"))).toMatchObject({
      kind: "turn",
      prompt: "hi",
    });

    shell.stdin.end("\n");
    const gone = () => {
      try {
        process.kill(pid, 0);
        return false;
      } catch {
        return true;
      }
    };
    await expect.poll(gone, { timeout: 30_000 }).toBe(true);
    rmSync(folder, { recursive: true });
  });
});
