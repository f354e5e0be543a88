/**
 * Says which kind of call this is, for loader.ts: it keeps the compiled code of each. No kind: it keeps none. Tests run
 * without a loader.
 */
export function compiledFor(verb: string, call: string): void {
  const run = (globalThis as Record<symbol, object | undefined>)[Symbol.for("ccr")];
  if (run) Object.assign(run, { verb, call });
}
