/** What may be added before the heap is cleaned. */
const STEP = 8 * 1024 * 1024;
let live = 0;

/**
 * Cleans the heap when much has been added since the last time: V8 by itself waits until it holds 60 MB. Does nothing
 * where Node was started without `--expose-gc`, which the shim passes.
 */
export function collect(): void {
  if (!globalThis.gc) return;
  const used = (): number => {
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  if (used() < live + STEP) return;
  globalThis.gc();
  live = used();
}
