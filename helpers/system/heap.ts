import { getHeapStatistics } from "node:v8";

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
    const { used_heap_size, external_memory } = getHeapStatistics();
    return used_heap_size + external_memory;
  };
  if (used() < live + STEP) return;
  globalThis.gc();
  live = used();
}

export const smallHeap = async (): Promise<void> => {};
export const tightHeap = async (): Promise<void> => {};
