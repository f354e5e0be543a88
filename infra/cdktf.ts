/**
 * The admin's `npx cdktf …`: cdktf's own CLI, with its telemetry off and with what can go wrong said first, on one line:
 * a setting that cannot be used, no address or token of Coder, a token that Coder refuses, no server there.
 */
import { spawn } from "node:child_process";
import http from "node:http";
import https from "node:https";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { SettingsError, settingsOf } from "./settings.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const require = createRequire(import.meta.url);

/** Commands that synthesize, and those of them that talk to Coder. */
const SYNTH = ["synth", "synthesize", "list", "diff", "plan", "deploy", "apply", "destroy", "watch"];
const ONLINE = ["diff", "plan", "deploy", "apply", "destroy", "watch"];
const LOCKING = ["diff", "plan", "deploy", "apply", "destroy", "output"];

export async function main(given: readonly string[]): Promise<void> {
  // Ours, not cdktf's: main.ts reads it from the environment.
  const words = given.filter((word) => word !== "--no-activate");
  if (words.length < given.length) process.env.CCR_NO_ACTIVATE = "1";
  process.env.CHECKPOINT_DISABLE ||= "1";
  process.env.CDKTF_EXPERIMENTAL_PROVIDER_SCHEMA_CACHE_PATH ||= `${ROOT}infra/schemas`;
  const command = words.find((word) => !word.startsWith("-")) ?? "";
  const asked = words.some((word) => word === "--help" || word === "-h" || word === "--version");
  if (!asked && SYNTH.includes(command)) {
    const problem =
      settingsProblem(command) ?? (ONLINE.includes(command) ? await coderProblem(process.env) : undefined);
    if (problem) {
      console.error(`ccr: ${problem}`);
      process.exit(1);
    }
  }
  // The lock would ask the registry even where Terraform has a mirror; the one provider's version is pinned.
  const lock = LOCKING.includes(command) && !words.some((word) => word.startsWith("--skip-provider-lock"));
  const program = [require.resolve("cdktf-cli/bundle/bin/cdktf"), ...words];
  const cli = spawn(process.execPath, lock ? [...program, "--skip-provider-lock"] : program, {
    stdio: "inherit",
  });
  // Ctrl-C reaches both: cdktf decides what it means.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => cli.kill("SIGTERM"));
  cli.on("exit", (status, signal) => {
    if (signal) process.removeAllListeners(signal).kill(process.pid, signal);
    else process.exitCode = status ?? 1;
  });
}

function settingsProblem(command: string): string | undefined {
  try {
    const { protect, name } = settingsOf(ROOT);
    if (command === "destroy" && protect)
      return `the template ${name} is protected: to delete it, set context.ccr.protect to false in cdktf.json first.`;
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  return undefined;
}

/** What keeps a deploy from working, on one line. What cannot be known from here is left to Terraform. */
export async function coderProblem(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const missing = ["CODER_URL", "CODER_SESSION_TOKEN"].filter((name) => !env[name]);
  if (missing.length > 0)
    return `${missing.join(" and ")} ${missing.length > 1 ? "are" : "is"} not set: the address of your Coder and a token (coder tokens create).`;
  const address = env.CODER_URL!;
  // Coder's provider reads an address without a scheme as https, too.
  const base = /^[a-z]+:\/\//i.test(address) ? address : `https://${address}`;
  if (!URL.canParse(base)) return `CODER_URL is no address: ${JSON.stringify(address)}.`;
  const answer = await statusOf(new URL("/api/v2/users/me", base), env.CODER_SESSION_TOKEN!);
  if (answer === 401)
    return `Coder at ${base} refuses the token in CODER_SESSION_TOKEN: coder tokens create.`;
  // Terraform may reach it all the same where a proxy is set.
  const proxied = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"].some((name) => env[name]);
  if (typeof answer === "string" && NOBODY.includes(answer) && !proxied)
    return `no Coder answers at ${base} (${answer}): is CODER_URL right?`;
  return undefined;
}

const NOBODY = ["ECONNREFUSED", "ENOTFOUND", "EHOSTUNREACH", "ENETUNREACH"];

/** The status of the answer, or the code of what kept it away. (fetch refuses some ports, so not fetch.) */
function statusOf(url: URL, token: string): Promise<number | string> {
  const get = url.protocol === "http:" ? http.get : https.get;
  return new Promise((resolve) => {
    const request = get(url, { headers: { "Coder-Session-Token": token }, timeout: 5000 }, (answer) => {
      answer.destroy();
      resolve(answer.statusCode ?? 0);
    });
    request.on("timeout", () => request.destroy());
    request.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""));
  });
}
