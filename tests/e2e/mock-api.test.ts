// The mock is only worth as much as what the real CLI makes of it: these rows are what the service's answers leave.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Claude, installClaude, type Row } from "../support/claude-cli.ts";
import { type Home, makeHome } from "../support/home.ts";
import {
  type Answer,
  broken,
  limit,
  type MockApi,
  mockApi,
  noCredit,
  overloaded,
  say,
  throttled,
  unauthorized,
  use,
  windows,
} from "../support/mock-api.ts";

let home: Home;
let api: MockApi;
let claude: Claude;
let project: string;

beforeAll(async () => {
  home = makeHome();
  api = await mockApi();
  project = home.project("shop");
  claude = await installClaude(home, api.url, [project]);
});

beforeEach(() => {
  api.answers.length = 0;
});

afterAll(async () => {
  await api.close();
  await home.remove();
});

const lastAnswer = (id: string): Row => claude.rows(id).findLast((row) => row.type === "assistant")!;

async function answered(
  ...answers: Answer[]
): Promise<{ exitCode: number | undefined; row: Row; id: string }> {
  api.answers.push(...answers);
  const { exitCode, json } = await claude.print(project, ["hello"]);
  return { exitCode, row: lastAnswer(json.session_id), id: json.session_id };
}

const soon = Math.floor(Date.now() / 1000) + 3600;

describe("what the real CLI makes of the mock's answers", () => {
  it("streams words into the transcript whole, whatever their characters", async () => {
    const words = "Erledigt: naïve café, 日本語, 🎉 and a second line\nhere. ".repeat(40);
    const { exitCode, id } = await answered(say(words, { headers: windows(0.4, 0.2) }));
    expect(exitCode).toBe(0);
    expect(lastAnswer(id).message!.content).toMatchObject([{ type: "text", text: words }]);
  });

  it("runs a tool and sends its result back", async () => {
    api.answers.push(use("Bash", { command: "echo from-the-tool", description: "say so" }), say("It ran."));
    const { json } = await claude.print(project, ["run it", "--allowedTools", "Bash(echo *)"]);
    expect(json.result).toBe("It ran.");
    const results = claude
      .rows(json.session_id)
      .filter((row) => row.type === "user")
      .flatMap((row) => row.message!.content as { type: string; content: string }[])
      .filter((block) => block.type === "tool_result");
    expect(results).toMatchObject([{ content: "from-the-tool" }]);
  });

  it.each(["five_hour", "seven_day", "seven_day_opus", "overage"] as const)(
    "records a %s limit with its reset time",
    async (claim) => {
      const { exitCode, row } = await answered(limit(claim, soon));
      expect(exitCode).toBe(1);
      expect(row).toMatchObject({
        isApiErrorMessage: true,
        error: "rate_limit",
        apiError: "usage_limit_reached",
        apiErrorParams: { rate_limit_info: { status: "rejected", resetsAt: soon, rateLimitType: claim } },
      });
      expect(row.message).toMatchObject({ model: "<synthetic>" });
    },
  );

  it("records a limit without a reset time", async () => {
    const { row } = await answered(limit("five_hour", null));
    expect(row.apiError).toBe("usage_limit_reached");
    expect(row).not.toHaveProperty("apiErrorParams.rate_limit_info.resetsAt");
  });

  it.each([
    ["a plain 429", throttled(), { error: "rate_limit", apiErrorStatus: 429 }],
    ["an overloaded service", overloaded(), { error: "server_error", apiErrorStatus: 529 }],
    ["a broken service", broken(), { error: "server_error", apiErrorStatus: 500 }],
    ["an expired login", unauthorized(), { error: "authentication_failed", apiErrorStatus: 401 }],
    ["no credit", noCredit(), { error: "billing_error" }],
  ])("records %s, and no limit", async (_, answer, fields) => {
    // A 401 is tried again with a fresh token before it is believed.
    const { exitCode, row } = await answered(answer, answer, answer);
    expect(exitCode).toBe(1);
    expect(row).toMatchObject({ isApiErrorMessage: true, ...fields });
    expect(row.apiError).not.toBe("usage_limit_reached");
  });

  it("resumes after the limit", async () => {
    const { id } = await answered(limit("five_hour", soon));
    api.answers.push(say("Here it goes on."));
    const { json } = await claude.print(project, ["-r", id, "continue"]);
    expect(json.session_id).toBe(id);
    expect(lastAnswer(id).message!.content).toMatchObject([{ text: "Here it goes on." }]);
  });

  it("waits as long as the answer says", async () => {
    api.answers.push(say("late", { wait: 1500 }));
    const started = Date.now();
    await claude.print(project, ["slow"]);
    expect(Date.now() - started).toBeGreaterThan(1500);
  });

  it("sees the fake credential only, and logs no value of it", async () => {
    await answered(say("ok"));
    expect(api.asked.every((asked) => asked.credential !== "api-key")).toBe(true);
    expect(JSON.stringify(api.asked)).not.toContain("fake-token");
  });
});
