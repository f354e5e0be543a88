import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import wabt from "wabt";
import { CHUNK, KEPT, type Kernel, makeKernel, type Needle, WASM } from "../../helpers/search/kernel.ts";
import { needlesOf } from "../../helpers/search/words.ts";
import { root } from "../support/home.ts";

afterEach(() => vi.unstubAllEnvs());

test("the search kernel's bytes are what its source assembles to", async () => {
  const source = readFileSync(join(root, "helpers/search/kernel.wat"), "utf8");
  const { buffer } = (await wabt()).parseWat("kernel.wat", source).toBinary({});
  expect(Buffer.from(buffer).toString("base64")).toBe(WASM);
  expect(buffer).toHaveLength(402);
});

function both(): [wasm: Kernel, plain: Kernel] {
  vi.stubEnv("CCR_NO_WASM", undefined);
  const wasm = makeKernel();
  vi.stubEnv("CCR_NO_WASM", "1");
  const plain = makeKernel();
  expect(wasm.base).not.toBe(plain.base);
  return [wasm, plain];
}

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

test("the search kernel finds a needle of one byte, and one at the very end of its memory", () => {
  for (const kernel of both()) {
    const data = Buffer.alloc(KEPT + CHUNK, 0x2e);
    data[0] = 0x78;
    data[data.length - 1] = 0x58;
    expect(allOf(kernel, data, needlesOf("x")[0]!)).toEqual([0, data.length - 1]);
    data.write("needle", data.length - 6);
    expect(allOf(kernel, data, needlesOf("Needle")[0]!)).toEqual([data.length - 6]);
  }
});
