import { out } from "./output.ts";

export type Warning = { kind: string; message: string; hint: string | null };

/** The one envelope of `--json`; fields are only ever added within a version. */
export function json(verb: string, fields: Record<string, unknown>, warnings: readonly Warning[] = []): void {
  const envelope = { schema: `ccr/${verb}@1`, generatedAt: new Date().toISOString(), ...fields, warnings };
  out(`${JSON.stringify(envelope, null, 2)}\n`);
}

/** Epoch milliseconds to the contract's ISO 8601 UTC with milliseconds. */
export const iso = (at: number | null | undefined): string | null =>
  at === null || at === undefined || !Number.isFinite(at) || Math.abs(at) > 8.64e15
    ? null
    : new Date(at).toISOString();
