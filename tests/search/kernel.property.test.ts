import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { type Kernel, makeKernel, type Needle } from "../../helpers/search/kernel.ts";
import { needlesOf } from "../../helpers/search/words.ts";

afterEach(() => vi.unstubAllEnvs());

function both(): [wasm: Kernel, plain: Kernel] {
  vi.stubEnv("CCR_NO_WASM", undefined);
  const wasm = makeKernel();
  vi.stubEnv("CCR_NO_WASM", "1");
  const plain = makeKernel();
  expect(wasm.base).not.toBe(plain.base);
  return [wasm, plain];
}

const naive = (data: Uint8Array, { value, mask }: Needle): number[] =>
  [...data.keys()].filter(
    (at) => at + value.length <= data.length && value.every((byte, i) => (data[at + i]! | mask[i]!) === byte),
  );

function allOf(kernel: Kernel, data: Uint8Array, needle: Needle): number[] {
  // What an earlier search left behind the data must not be found.
  kernel.bytes.fill(needle.value[0]!, kernel.base, kernel.base + data.length + 128);
  kernel.bytes.set(data, kernel.base);
  kernel.use(needle);
  const found: number[] = [];
  const end = kernel.base + data.length;
  for (let at = kernel.find(kernel.base, end); at >= 0; at = kernel.find(at + 1, end))
    found.push(at - kernel.base);
  return found;
}

test("both search kernels find what a naive search finds", () => {
  const [wasm, plain] = both();
  const letters = fc.constantFrom(...'aAbBnN "\\zZäÄяЯ日1'.split(""));
  const text = fc.array(letters, { maxLength: 300 }).map((all) => all.join(""));
  const word = fc.array(letters, { minLength: 1, maxLength: 40 }).map((all) => all.join(""));
  fc.assert(
    fc.property(text, word, fc.nat(200), (rest, word, at) => {
      const data = Buffer.from(rest.slice(0, at) + word.toUpperCase() + rest.slice(at));
      for (const needle of needlesOf(word)) {
        const expected = naive(data, needle);
        expect(allOf(wasm, data, needle)).toEqual(expected);
        expect(allOf(plain, data, needle)).toEqual(expected);
      }
    }),
    { numRuns: 2000, seed: 7 },
  );
});
