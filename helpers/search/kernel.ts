// Finds a needle in bytes. The fast way is 402 bytes of WebAssembly (kernel.wat); CCR_NO_WASM=1 takes the other.

/** Bytes to look for: `value[i]` is already OR-ed with `mask[i]`, and a byte fits when `(byte | mask) == value`. */
export type Needle = { value: Uint8Array; mask: Uint8Array; rare: readonly [number, number] };

export const LONGEST_NEEDLE = 64;
/** Bytes in front of a chunk that are kept from the one before: a needle or a key may span the two. */
export const KEPT = 1024;
/** Stays in the second-level cache of every machine we know. */
export const CHUNK = 262_144;
const MASKS = 1024;
const DATA = 4160;
const SLACK = 128;

/** Room for data from `base` on, and a search in it. */
export type Kernel = {
  bytes: Buffer;
  base: number;
  use(needle: Needle): void;
  /** first position in `from..end` where the whole needle fits, or -1 */
  find(from: number, end: number): number;
};

/** The assembled kernel.wat; a test assembles it again and compares. */
export const WASM =
  "AGFzbQEAAAABCgFgBX9/f39/AX8DAgEABQMBAAEHCQIBbQIAAWYAAArnAgHkAgMIewF+BH8gA/0HAAAhBSAE/QcAACEGIAP9BwCACCEHIAT9BwCACCEIAkADQCAAIAFLDQEgACADaiEQIAAgBGohESAQ/QAEACAH/VAgBf0jIBH9AAQAIAj9UCAG/SP9TiEJIBD9AAQQIAf9UCAF/SMgEf0ABBAgCP1QIAb9I/1OIQogEP0ABCAgB/1QIAX9IyAR/QAEICAI/VAgBv0j/U4hCyAQ/QAEMCAH/VAgBf0jIBH9AAQwIAj9UCAG/SP9TiEMIAkgCv1QIAsgDP1Q/VD9UwRAIAn9ZK0gCv1krUIQhoQgC/1krUIghiAM/WStQjCGhIQhDQNAIAAgDXqnaiEOIA4gAUsNA0EAIQ8CQANAIA4gD2r9AAQAIA/9AASACP1QIA/9AAQA/SP9Y0UNASAPQRBqIQ8gDyACSQ0ACyAODwsgDSANQgF9gyENIA1CAFINAAsLIABBwABqIQAMAAsLQX8L";

/** A kernel with room for `room` bytes of data. */
export function makeKernel(room = KEPT + CHUNK): Kernel {
  if (!process.env.CCR_NO_WASM) {
    try {
      return wasmKernel(room);
    } catch {
      // a Node without SIMD, or one that forbids WebAssembly
    }
  }
  return plainKernel(room);
}

type Search = (p: number, last: number, n: number, i1: number, i2: number) => number;
// lib.es2023 does not know WebAssembly, and lib.dom would bring the browser with it.
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (
    module: object,
  ) => { exports: { m: { buffer: ArrayBuffer; grow(pages: number): number }; f: Search } };
};

function wasmKernel(room: number): Kernel {
  const { m, f } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(WASM, "base64"))).exports;
  m.grow(Math.ceil((DATA + room + SLACK) / 65_536) - 1);
  const bytes = Buffer.from(m.buffer);
  let used: Needle | undefined;
  let n = 0;
  let i1 = 0;
  let i2 = 0;
  return {
    bytes,
    base: DATA,
    use(needle) {
      if (needle === used) return;
      used = needle;
      n = needle.value.length;
      [i1, i2] = needle.rare;
      const padded = (n + 15) & ~15;
      bytes.fill(0xff, 0, padded).set(needle.value);
      bytes.fill(0xff, MASKS, MASKS + padded).set(needle.mask, MASKS);
    },
    find: (from, end) => (end - n < from ? -1 : f(from, end - n, n, i1, i2)),
  };
}

function plainKernel(room: number): Kernel {
  const bytes = Buffer.alloc(room + SLACK);
  let used: Needle | undefined;
  let find: (from: number, end: number) => number = () => -1;
  return {
    bytes,
    base: 0,
    use(needle) {
      if (needle === used) return;
      used = needle;
      find = plainSearch(bytes, needle);
    },
    find: (from, end) => find(from, end),
  };
}

/** Horspool's search with masks, in any bytes: four times slower. */
export function plainSearch(
  bytes: Uint8Array,
  { value, mask }: Needle,
): (from: number, end: number) => number {
  const n = value.length;
  const skip = new Int32Array(256).fill(n);
  for (let byte = 0; byte < 256; byte++)
    for (let i = 0; i < n - 1; i++) if ((byte | mask[i]!) === value[i]) skip[byte] = n - 1 - i;
  const tail = n - 1;
  const m = mask[tail]!;
  const v = value[tail]!;
  return (from, end) => {
    for (let at = from + tail; at < end; at += skip[bytes[at]!]!) {
      if ((bytes[at]! | m) !== v) continue;
      let i = tail - 1;
      while (i >= 0 && (bytes[at - tail + i]! | mask[i]!) === value[i]) i--;
      if (i < 0) return at - tail;
    }
    return -1;
  };
}
