/** Numbers that look random; the same seed gives the same ones on every machine (sfc32). */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d = 1;

  constructor(seed: number, stream = 0) {
    this.#a = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
    this.#b = Math.imul(stream ^ 0x7f4a7c15, 0xc2b2ae35);
    this.#c = this.#a ^ ((this.#b << 13) | (this.#b >>> 19));
    for (let i = 0; i < 16; i++) this.#next();
  }

  #next(): number {
    const t = (this.#a + this.#b + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t;
    return t >>> 0;
  }

  /** 0 to n - 1 */
  below(n: number): number {
    return this.#next() % n;
  }
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
  hex(length: number): string {
    let text = "";
    while (text.length < length) text += this.#next().toString(16).padStart(8, "0");
    return text.slice(0, length);
  }
}
