// Which sequences of three bytes a text holds, in a few bits each: tells most texts apart that cannot hold a word.
import type { Needle } from "./kernel.ts";

const LEAST = 512;
const MOST = 262_144;
/** Six bits a byte: letters without case, digits, and the rest in groups. */
const SIX = Uint8Array.from({ length: 256 }, (_, byte) => {
  const letter = byte | 0x20;
  if (letter >= 0x61 && letter <= 0x7a) return letter - 0x61;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30 + 26;
  return 36 + (byte % 28);
});

/** Bits of a signature for so many bytes of text. */
function signatureBits(length: number): number {
  let bits = LEAST;
  while (bits < MOST && bits * 2 < length) bits *= 2;
  return bits;
}

/** Which bit stands for a sequence among so many (a power of two). */
export const bitOf = (three: number, bits: number): number =>
  (Math.imul(three, 0x9e3779b1) >>> 8) & (bits - 1);

export function signatureOf(text: Uint8Array): Uint8Array {
  const bits = signatureBits(text.length);
  const signature = new Uint8Array(bits / 8);
  const mask = bits - 1;
  let three = 0;
  for (let i = 0; i < text.length; i++) {
    three = ((three << 6) | SIX[text[i]!]!) & 0x3ffff;
    const bit = (Math.imul(three, 0x9e3779b1) >>> 8) & mask;
    signature[bit >> 3]! |= 1 << (bit & 7);
  }
  return signature;
}

/** The sequences of a needle; those are left out whose bytes depend on the case of a letter that is not ASCII. */
export function sequencesOf({ value, mask }: Needle): number[] {
  const found = new Set<number>();
  const sure = (at: number): boolean =>
    mask[at] === 0 || (mask[at] === 0x20 && value[at]! >= 0x61 && value[at]! <= 0x7a);
  for (let i = 0; i + 2 < value.length; i++)
    if (sure(i) && sure(i + 1) && sure(i + 2))
      found.add((SIX[value[i]!]! << 12) | (SIX[value[i + 1]!]! << 6) | SIX[value[i + 2]!]!);
  return [...found];
}
