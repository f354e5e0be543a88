import { compiledFor } from "./compiled.ts";

// Loaded where they are needed, in the middle of a loop: they cost 2 ms. Only Node 18 has no other way than `require`.
const load = process.getBuiltinModule ?? ((name: string) => require(name));
const v8 = (): typeof import("node:v8") => load("node:v8");

/**
 * Keeps V8's young generation at its first size: reading thousands of files makes garbage, and 50 MB of room for it
 * makes nothing faster. Costs 3 ms, so only commands that may read every transcript ask for it.
 */
export async function smallHeap(): Promise<void> {
  v8().setFlagsFromString("--semi-space-growth-factor=1");
  // Compiled code is kept for the flags that there are in the end (see loader.ts).
  process.prependOnceListener("exit", () => v8().setFlagsFromString("--semi-space-growth-factor=2"));
}

/** For large rows, each of which is garbage a moment later: a third less memory, and no slower. */
export async function tightHeap(): Promise<void> {
  v8().setFlagsFromString("--optimize-for-size");
  // It cannot be taken back, and code that was compiled with it would fit no other start: loader.ts shall not keep it.
  compiledFor("", "");
}

/** What may be added before the heap is cleaned. */
const STEP = 8 * 1024 * 1024;
let clean: (() => void) | undefined;
let live = 0;

/** Cleans the heap when there is much more in it than the last time: V8 by itself waits until it has 60 MB. */
export function collect(): void {
  const { getHeapStatistics, setFlagsFromString } = v8();
  if (!clean) {
    setFlagsFromString("--expose-gc");
    const vm: typeof import("node:vm") = load("node:vm");
    clean = vm.runInNewContext("gc") as () => void;
    setFlagsFromString("--no-expose-gc");
  }
  const used = (): number => {
    const { used_heap_size, external_memory } = getHeapStatistics();
    return used_heap_size + external_memory;
  };
  if (used() < live + STEP) return;
  clean();
  live = used();
}
