/**
 * The admin's `npx cdktf …`: runs cdktf's own CLI without telemetry, after checking for common mistakes and explaining
 * them on one line: an unusable setting, a missing address or token, a rejected token, an unreachable server.
 */
import { spawn } from "node:child_process";
import http from "node:http";
import https from "node:https";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { SettingsError, settingsOf } from "../settings.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const require = createRequire(import.meta.url);

/** Commands that synthesize. */
const SYNTH = ["synth", "synthesize", "list", "diff", "plan", "deploy", "apply", "destroy", "watch"];
/** Commands that connect to Coder. */
const ONLINE = ["diff", "plan", "deploy", "apply", "destroy", "watch"];
/** Commands that would ask the registry for a lock file. */
const LOCKING = ["diff", "plan", "deploy", "apply", "destroy", "output"];

/** Runs cdktf with these arguments. `--no-activate` is our own: main.ts reads it from the environment. */
export async function main(given: readonly string[]): Promise<void> {
  const words = given.filter((word) => word !== "--no-activate");
  if (words.length < given.length) process.env.CCR_NO_ACTIVATE = "1";
  process.env.CHECKPOINT_DISABLE ||= "1";
  process.env.CDKTF_EXPERIMENTAL_PROVIDER_SCHEMA_CACHE_PATH ||= `${ROOT}infra/schemas`;
  const command = words.find((word) => !word.startsWith("-")) ?? "";
  const wantsHelp = words.some((word) => word === "--help" || word === "-h" || word === "--version");
  if (!wantsHelp && SYNTH.includes(command)) {
    const problem =
      settingsProblem(command) ?? (ONLINE.includes(command) ? await coderProblem(process.env) : undefined);
    if (problem) {
      console.error(`ccr: ${problem}`);
      process.exit(1);
    }
  }
  // A lock file would need the registry even if Terraform has a mirror; the provider's version is pinned anyway.
  const lock = LOCKING.includes(command) && !words.some((word) => word.startsWith("--skip-provider-lock"));
  const program = [require.resolve("cdktf-cli/bundle/bin/cdktf"), ...words];
  const cli = spawn(process.execPath, lock ? [...program, "--skip-provider-lock"] : program, {
    stdio: "inherit",
  });
  // Ctrl-C reaches both processes; cdktf decides what to do.
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

/** Why a deploy would fail, on one line; undefined if nothing is found here. */
export async function coderProblem(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const missing = ["CODER_URL", "CODER_SESSION_TOKEN"].filter((name) => !env[name]);
  if (missing.length > 0)
    return `${missing.join(" and ")} ${missing.length > 1 ? "are" : "is"} not set: the URL of your Coder server and a token (create one with: coder tokens create).`;
  const address = env.CODER_URL!;
  // Like Coder's provider, which takes an address without a scheme as https.
  const base = /^[a-z]+:\/\//i.test(address) ? address : `https://${address}`;
  if (!URL.canParse(base)) return `CODER_URL is not a valid URL: ${JSON.stringify(address)}.`;
  const answer = await statusOf(new URL("/api/v2/users/me", base), env.CODER_SESSION_TOKEN!);
  if (answer === 401)
    return `Coder at ${base} rejects the token in CODER_SESSION_TOKEN. Create a new one: coder tokens create`;
  // Terraform may still reach it through a proxy.
  const proxied = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"].some((name) => env[name]);
  if (typeof answer === "string" && UNREACHABLE.includes(answer) && !proxied)
    return `cannot connect to Coder at ${base} (${answer}). Check CODER_URL.`;
  return undefined;
}

const UNREACHABLE = ["ECONNREFUSED", "ENOTFOUND", "EHOSTUNREACH", "ENETUNREACH"];

/** The HTTP status of the response, or the code of the connection error. (fetch blocks some ports, so it is not used.) */
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
