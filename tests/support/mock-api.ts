// A loopback stand-in for the Messages API, good enough for the real CLI.
// In a test: `const api = await mockApi(); api.answers.push(say("done"), limit("five_hour", epoch))`.
// As a process: `node --import tsx tests/support/mock-api.ts [--answers file.json] [--log file.jsonl] [--minutes 10]`
// prints its base URL, and ends with its parent, after --minutes, or on a signal.

import { appendFileSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/** What one turn of the conversation gets: words and tool calls, or an error. */
export interface Answer {
  text?: string;
  tools?: { name: string; input: Record<string, unknown> }[];
  error?: { status: number; type: string; message: string };
  headers?: Record<string, string>;
  /** Milliseconds before the first byte, and between the pieces of `text`. */
  wait?: number;
  pace?: number;
}

export interface Asked {
  at: string;
  method: string;
  path: string;
  model: string | null;
  /** "turn": the conversation itself, which takes the next answer; "aside": titles, probes and the like. */
  kind: "turn" | "aside" | "other";
  /** Text of the newest user message. */
  prompt: string | null;
  messages: number;
  /** Which credential came: never its value. */
  credential: "api-key" | "bearer" | "none";
  status: number;
}

export interface MockApi {
  url: string;
  /** Taken from the front, one a turn; when empty, turns are answered "Answer <n>.". */
  answers: Answer[];
  asked: Asked[];
  turns(): Asked[];
  close(): Promise<void>;
}

export const say = (text: string, more: Partial<Answer> = {}): Answer => ({ text, ...more });

export const use = (name: string, input: Record<string, unknown>, more: Partial<Answer> = {}): Answer => ({
  tools: [{ name, input }],
  ...more,
});

const failing =
  (status: number, type: string, standard: string) =>
  (message = standard, headers: Record<string, string> = {}): Answer => ({
    error: { status, type, message },
    // The CLI would try ten times over three minutes.
    headers: { "x-should-retry": "false", ...headers },
  });

/** A 429 that is not a usage limit. */
export const throttled = failing(429, "rate_limit_error", "This request would exceed a rate limit.");
export const overloaded = failing(529, "overloaded_error", "Overloaded");
export const broken = failing(500, "api_error", "Internal server error");
export const unauthorized = failing(401, "authentication_error", "OAuth token has expired.");
export const noCredit = failing(
  400,
  "invalid_request_error",
  "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
);

export type Claim = "five_hour" | "seven_day" | "seven_day_opus" | "seven_day_sonnet" | "overage";

/** A usage limit as the service words it: `resetsAt` in epoch seconds, null for a limit without a time. */
export function limit(claim: Claim, resetsAt: number | null, more: { overage?: boolean } = {}): Answer {
  const unified: Record<string, string> = { status: "rejected", "representative-claim": claim };
  if (resetsAt !== null) unified.reset = String(resetsAt);
  if (claim === "overage" || more.overage) {
    unified["overage-status"] = "rejected";
    unified["overage-disabled-reason"] = "org_level_disabled";
  }
  const full = claim === "five_hour" ? "5h" : "7d";
  const now = Math.floor(Date.now() / 1000);
  for (const [window, seconds] of [
    ["5h", 5 * 3600],
    ["7d", 7 * 86_400],
  ] as const) {
    const hit = window === full;
    unified[`${window}-status`] = hit ? "rejected" : "allowed";
    unified[`${window}-utilization`] = hit ? "1" : "0.4";
    unified[`${window}-reset`] = String((hit && resetsAt) || now + seconds);
  }
  return {
    error: {
      status: 429,
      type: "rate_limit_error",
      message: "This request would exceed your account's rate limit.",
    },
    headers: prefixed(unified),
  };
}

/** What the service adds to every good answer to a subscriber. */
export function windows(fiveHour: number, sevenDay: number): Record<string, string> {
  const now = Math.floor(Date.now() / 1000);
  return prefixed({
    status: "allowed",
    reset: String(now + 5 * 3600),
    "representative-claim": "five_hour",
    "5h-status": "allowed",
    "5h-utilization": String(fiveHour),
    "5h-reset": String(now + 5 * 3600),
    "7d-status": "allowed",
    "7d-utilization": String(sevenDay),
    "7d-reset": String(now + 7 * 86_400),
  });
}

const prefixed = (headers: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [`anthropic-ratelimit-unified-${name}`, value]),
  );

const mostKept = 2_000;
const largestBody = 32 * 1024 * 1024;

export async function mockApi(options: { answers?: Answer[]; log?: string } = {}): Promise<MockApi> {
  const answers = [...(options.answers ?? [])];
  const asked: Asked[] = [];
  const closing = new AbortController();
  let serial = 0;
  let turn = 0;

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const path = (request.url ?? "/").split("?")[0]!;
    const kind = !path.endsWith("/v1/messages") ? "other" : isTurn(body) ? "turn" : "aside";
    serial++;
    const answer = kind === "turn" ? (answers.shift() ?? say(`Answer ${++turn}.`)) : aside(body);
    const status = kind === "other" ? other(path)[0] : (answer.error?.status ?? 200);
    const entry: Asked = {
      at: new Date().toISOString(),
      method: request.method ?? "GET",
      path,
      model: typeof body?.model === "string" ? body.model : null,
      kind,
      prompt: lastPrompt(body),
      messages: body?.messages?.length ?? 0,
      credential: request.headers["x-api-key"]
        ? "api-key"
        : request.headers.authorization
          ? "bearer"
          : "none",
      status,
    };
    if (asked.length < mostKept) asked.push(entry);
    if (options.log) appendFileSync(options.log, `${JSON.stringify(entry)}\n`, { mode: 0o600 });

    response.setHeader("request-id", `req_mock${serial}`);
    if (kind === "other") return json(response, ...other(path));
    for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
    if (answer.wait) await sleep(answer.wait, undefined, { signal: closing.signal, ref: false });
    if (answer.error) {
      const { type, message } = answer.error;
      return json(response, status, {
        type: "error",
        error: { type, message },
        request_id: `req_mock${serial}`,
      });
    }
    const message = wholeMessage(answer, `msg_mock${serial}`, entry.model ?? "mock");
    if (body?.stream !== true) return json(response, 200, message);
    await stream(response, message, answer.pace ?? 0, closing.signal);
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answers,
    asked,
    turns: () => asked.filter((entry) => entry.kind === "turn"),
    async close() {
      closing.abort();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Body {
  model?: unknown;
  stream?: unknown;
  max_tokens?: number;
  tools?: unknown[];
  messages?: { role: string; content: string | { type: string; text?: string }[] }[];
  output_config?: { format?: { schema?: { properties?: Record<string, unknown> } } };
}

async function readBody(request: IncomingMessage): Promise<Body | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > largestBody) throw new Error("body too large");
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    return null;
  }
}

/** The conversation carries tools; titles, quota probes and classifiers do not. */
function isTurn(body: Body | null): boolean {
  return (body?.tools?.length ?? 0) > 0 && body?.max_tokens !== 1;
}

function aside(body: Body | null): Answer {
  const fields = Object.keys(body?.output_config?.format?.schema?.properties ?? {});
  if (fields.length === 0) return say("ok");
  return say(JSON.stringify(Object.fromEntries(fields.map((field) => [field, `Mock ${field}`]))));
}

function lastPrompt(body: Body | null): string | null {
  const content = body?.messages?.findLast((message) => message.role === "user")?.content;
  if (content === undefined) return null;
  const text =
    typeof content === "string"
      ? content
      : content.flatMap((block) => (block.type === "text" ? [block.text ?? ""] : [])).join("\n");
  return text
    .replace(/<system-reminder>[\s\S]*?<\/system-reminder>/g, "")
    .trim()
    .slice(0, 10_000);
}

function other(path: string): [number, unknown] {
  if (path.endsWith("/count_tokens")) return [200, { input_tokens: 10 }];
  if (path.endsWith("/v1/models")) return [200, { data: [], has_more: false, first_id: null, last_id: null }];
  if (path === "/api/hello") return [200, { message: "hello" }];
  return [404, { type: "error", error: { type: "not_found_error", message: "Not found" } }];
}

function wholeMessage(answer: Answer, id: string, model: string) {
  const content: Record<string, unknown>[] = [];
  if (answer.text !== undefined) content.push({ type: "text", text: answer.text });
  for (const [index, tool] of (answer.tools ?? []).entries()) {
    content.push({ type: "tool_use", id: `toolu_${id}_${index}`, name: tool.name, input: tool.input });
  }
  return {
    id,
    type: "message",
    role: "assistant",
    model,
    content,
    stop_reason: answer.tools?.length ? "tool_use" : "end_turn",
    stop_sequence: null,
    usage: { input_tokens: 10, output_tokens: 5, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 },
  };
}

type Message = ReturnType<typeof wholeMessage>;

async function stream(
  response: ServerResponse,
  message: Message,
  pace: number,
  signal: AbortSignal,
): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  const send = (event: { type: string } & Record<string, unknown>) =>
    response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  send({ type: "message_start", message: { ...message, content: [], stop_reason: null } });
  for (const [index, block] of message.content.entries()) {
    const text = block.type === "text";
    send({
      type: "content_block_start",
      index,
      content_block: text ? { ...block, text: "" } : { ...block, input: {} },
    });
    const pieces = text
      ? ((block.text as string).match(/[\s\S]{1,20}/gu) ?? [])
      : [JSON.stringify(block.input)];
    for (const piece of pieces) {
      if (response.destroyed) return;
      const delta = text
        ? { type: "text_delta", text: piece }
        : { type: "input_json_delta", partial_json: piece };
      send({ type: "content_block_delta", index, delta });
      if (pace) await sleep(pace, undefined, { signal, ref: false });
    }
    send({ type: "content_block_stop", index });
  }
  const { stop_reason, stop_sequence, usage } = message;
  send({
    type: "message_delta",
    delta: { stop_reason, stop_sequence },
    usage: { output_tokens: usage.output_tokens },
  });
  send({ type: "message_stop" });
  response.end();
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      answers: { type: "string" },
      log: { type: "string" },
      minutes: { type: "string", default: "10" },
    },
  });
  const api = await mockApi({
    ...(values.answers && { answers: JSON.parse(readFileSync(values.answers, "utf8")) }),
    ...(values.log && { log: values.log }),
  });
  process.stdout.write(`${api.url}\n`);
  const parent = process.ppid;
  const end = Date.now() + Number(values.minutes) * 60_000;
  setInterval(() => {
    if (process.ppid !== parent || !(Date.now() < end)) process.exit(0);
  }, 500);
}
