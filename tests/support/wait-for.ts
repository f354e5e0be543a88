import { setTimeout as sleep } from "node:timers/promises";

type Truthy<T> = Exclude<T, false | null | undefined | "" | 0>;

/**
 * Waits until a condition holds, and returns its truthy result. Asks every `interval` ms, and throws after `seconds`:
 * `what` says what should have happened, and may show what is there instead.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  what: string | (() => string | Promise<string>),
  { seconds = 60, interval = 50 } = {},
): Promise<Truthy<T>> {
  for (const end = Date.now() + seconds * 1000; ; await sleep(interval)) {
    const result = await condition();
    if (result) return result as Truthy<T>;
    if (Date.now() > end)
      throw new Error(`not within ${seconds} s: ${typeof what === "string" ? what : await what()}`);
  }
}
