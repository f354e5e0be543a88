// Times of whole processes, side by side: rounds in random order, and the median of the ratios within each round.
import { spawn } from "node:child_process";
import { performance } from "node:perf_hooks";

export type Run = {
  command: readonly string[];
  env?: Record<string, string>;
  /** what has to be done before each run, outside of the time */
  before?: () => void;
  /** exit statuses that are right; default: 0 */
  statuses?: readonly number[];
  cwd?: string;
};

// What stands in the way of Node's start must not flatter the ratios.
const LEFT_OUT = ["NODE_OPTIONS", "NODE_EXTRA_CA_CERTS", "NODE_V8_COVERAGE", "NO_COLOR", "FORCE_COLOR"];

export function environment(more: Record<string, string> = {}): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env))
    if (value !== undefined && !LEFT_OUT.includes(name) && !name.startsWith("CCR_")) env[name] = value;
  return { ...env, ...more };
}

/** Runs one process to its end. Throws when it ends otherwise than it should. */
export async function once(run: Run): Promise<{ ms: number; out: string; err: string }> {
  run.before?.();
  const [file, ...args] = run.command;
  const began = performance.now();
  const child = spawn(file!, args, {
    env: environment(run.env),
    stdio: ["ignore", "pipe", "pipe"],
    ...(run.cwd ? { cwd: run.cwd } : {}),
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (data: Buffer) => out.push(data));
  child.stderr.on("data", (data: Buffer) => err.push(data));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  const ms = performance.now() - began;
  const said = Buffer.concat(err).toString();
  if (status === null || !(run.statuses ?? [0]).includes(status))
    throw new Error(`${run.command.join(" ")} ended with ${status}: ${said.slice(0, 500)}`);
  return { ms, out: Buffer.concat(out).toString(), err: said };
}

export const median = (numbers: readonly number[]): number => {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

export type Pair = {
  own: number;
  yardstick: number;
  ratio: number;
  low: number;
  high: number;
  rounds: number;
};

/** Median times (ms), and the median of the ratios with the quarter below and above it. */
export async function compare(own: Run, yardstick: Run, rounds: number): Promise<Pair> {
  const times: [number, number][] = [];
  for (let round = -1; round < rounds; round++) {
    const pair: [number, number] = [0, 0];
    for (const which of Math.random() < 0.5 ? [0, 1] : [1, 0])
      pair[which] = (await once(which === 0 ? own : yardstick)).ms;
    // The first round only warms.
    if (round >= 0) times.push(pair);
  }
  const ratios = times.map(([a, b]) => a / b).sort((a, b) => a - b);
  return {
    own: median(times.map(([a]) => a)),
    yardstick: median(times.map(([, b]) => b)),
    ratio: median(ratios),
    low: ratios[Math.floor(ratios.length / 4)]!,
    high: ratios[Math.ceil((ratios.length * 3) / 4) - 1]!,
    rounds,
  };
}
