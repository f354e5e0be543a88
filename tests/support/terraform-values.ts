// What Terraform would make of a value in synthesized JSON, without Terraform: strings with ${…} in them, the few
// functions that the template uses, its locals and the defaults of its variables. Anything else is an error by name.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };

interface Config {
  locals?: Record<string, Value>;
  variable?: Record<string, { default?: Value }>;
  [block: string]: unknown;
}

const text = (value: Value | undefined): string => {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw new Error(`${JSON.stringify(value)?.slice(0, 80)} is no string`);
};

const list = (value: Value | undefined): Value[] => {
  if (Array.isArray(value)) return value;
  throw new Error(`${JSON.stringify(value)?.slice(0, 80)} is no list`);
};

/** `folder` holds what file() reads. `known` answers references such as `data.coder_parameter.x.value`. */
export class TerraformValues {
  constructor(
    private readonly config: Config,
    private readonly folder: string,
    private readonly known: Record<string, Value> = {},
  ) {}

  /** A value of the JSON, templates resolved at any depth. */
  resolve(value: Value): Value {
    if (typeof value === "string") return new Parser(value, this).template();
    if (Array.isArray(value)) return value.map((item) => this.resolve(item));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.resolve(item)]));
    }
    return value;
  }

  reference(path: string[]): Value {
    const name = path.join(".");
    if (name in this.known) return this.known[name]!;
    if (name === "path.module") return this.folder;
    const [kind, key, ...rest] = path;
    let value: Value | undefined;
    if (kind === "local" && key! in (this.config.locals ?? {})) value = this.local(key!);
    if (kind === "var") value = this.config.variable?.[key!]?.default;
    for (const step of rest) value = (value as Record<string, Value> | undefined)?.[step];
    if (value === undefined) throw new Error(`${name} is not known without Terraform`);
    return value;
  }

  private readonly locals = new Map<string, Value>();
  private local(name: string): Value {
    const value = this.locals.get(name) ?? this.resolve(this.config.locals![name]!);
    this.locals.set(name, value);
    return value;
  }

  call(name: string, values: Value[]): Value {
    const known = this.functions[name];
    if (!known) throw new Error(`${name}() is not known without Terraform`);
    return known(...values);
  }

  private readonly file = (path: Value | undefined): Buffer => {
    const name = text(path);
    return readFileSync(name.startsWith("/") ? name : join(this.folder, name));
  };

  private readonly functions: Record<string, (...values: Value[]) => Value> = {
    file: (path) => this.file(path).toString("utf8"),
    filebase64: (path) => this.file(path).toString("base64"),
    filesha256: (path) => createHash("sha256").update(this.file(path)).digest("hex"),
    templatefile: (path, names) => {
      const known = Object.fromEntries(Object.entries(names as Record<string, Value>));
      return new TerraformValues(this.config, this.folder, known).resolve(this.file(path).toString("utf8"));
    },
    sha256: (value) => createHash("sha256").update(text(value)).digest("hex"),
    base64encode: (value) => Buffer.from(text(value)).toString("base64"),
    base64gzip: (value) => gzipSync(text(value)).toString("base64"),
    regexall: (pattern, value) =>
      [...text(value).matchAll(new RegExp(text(pattern), "gu"))].map(([match]) => match),
    join: (separator, ...lists) => lists.flatMap(list).map(text).join(text(separator)),
    chunklist: (values, size) => {
      const all = list(values);
      const step = Number(size);
      return Array.from({ length: Math.ceil(all.length / step) }, (_, at) =>
        all.slice(at * step, (at + 1) * step),
      );
    },
    ceil: (value) => Math.ceil(Number(value)),
    length: (value) => (typeof value === "string" ? value.length : list(value).length),
    split: (separator, value) => text(value).split(text(separator)),
    concat: (...lists) => lists.flatMap(list),
    format: (pattern, ...values) => text(pattern).replace(/%[sd]/g, () => text(values.shift())),
    replace: (value, from, to) => {
      const [, flags, pattern] = /^\/(?:\(\?([a-z]+)\))?(.*)\/$/s.exec(text(from)) ?? [];
      const what = pattern === undefined ? text(from) : new RegExp(pattern, `g${flags ?? ""}`);
      return text(value).replaceAll(what, () => text(to));
    },
    chomp: (value) => text(value).replace(/(\r?\n)+$/, ""),
    trimspace: (value) => text(value).trim(),
    tostring: (value) => text(value),
    jsonencode: (value) => JSON.stringify(value),
  };
}

/** Terraform's template language as far as synthesized JSON needs it. */
class Parser {
  private at = 0;

  constructor(
    private readonly source: string,
    private readonly values: TerraformValues,
  ) {}

  /** A whole string: literal text and ${…}. One ${…} alone keeps its type. */
  template(): Value {
    const parts: Value[] = [];
    let literal = "";
    while (this.at < this.source.length) {
      if (this.take("$${")) literal += "${";
      else if (this.take("%%{")) literal += "%{";
      else if (this.take("${")) {
        if (literal) parts.push(literal);
        literal = "";
        parts.push(this.expression());
        this.want("}");
      } else literal += this.source[this.at++];
    }
    if (literal) parts.push(literal);
    return parts.length === 1 ? parts[0]! : parts.map(text).join("");
  }

  private expression(): Value {
    const left = this.sum();
    this.space();
    let value = left;
    if (this.take("==")) value = this.sum() === left;
    else if (this.take("!=")) value = this.sum() !== left;
    this.space();
    if (!this.take("?")) return value;
    const yes = this.expression();
    this.space();
    this.want(":");
    const no = this.expression();
    return value ? yes : no;
  }

  /** One addition or division, which is all that templates have. */
  private sum(): Value {
    const left = this.term();
    this.space();
    if (this.take("+")) return Number(left) + Number(this.term());
    if (this.take("/")) return Number(left) / Number(this.term());
    return left;
  }

  private term(): Value {
    this.space();
    if (this.take("(")) return this.until(")");
    if (this.take('"')) return this.quoted();
    if (this.take("[")) return this.items("]");
    const word = this.match(/[A-Za-z_][\w-]*|-?\d+(\.\d+)?/y);
    if (!word) throw this.wrong();
    if (/^-?\d/.test(word)) return Number(word);
    if (this.take("(")) return this.values.call(word, this.items(")"));
    if (word === "true" || word === "false") return word === "true";
    if (word === "null") return null;
    const path = [word];
    for (;;) {
      const step = this.match(/\.([A-Za-z_][\w-]*)/y)?.slice(1);
      if (step === undefined && !this.take("[")) return this.values.reference(path);
      path.push(step ?? text(this.until("]")));
    }
  }

  private until(close: string): Value {
    const value = this.expression();
    this.space();
    this.want(close);
    return value;
  }

  private items(close: string): Value[] {
    const items: Value[] = [];
    for (;;) {
      this.space();
      if (this.take(close)) return items;
      items.push(this.expression());
      this.space();
      this.take(",");
    }
  }

  private quoted(): Value {
    let result = "";
    while (!this.take('"')) {
      if (this.at >= this.source.length) throw this.wrong();
      if (this.take("$${")) result += "${";
      else if (this.take("${")) result += text(this.until("}"));
      else if (this.take("\\")) {
        const letter = this.source[this.at++]!;
        result += { n: "\n", r: "\r", t: "\t" }[letter] ?? letter;
      } else result += this.source[this.at++];
    }
    return result;
  }

  private space(): void {
    this.match(/\s+/y);
  }

  private take(words: string): boolean {
    if (!this.source.startsWith(words, this.at)) return false;
    this.at += words.length;
    return true;
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.source)?.[0];
    this.at += found?.length ?? 0;
    return found;
  }

  private want(words: string): void {
    if (!this.take(words)) throw this.wrong();
  }

  private wrong(): Error {
    return new Error(`cannot read this Terraform expression: ${this.source.slice(this.at, this.at + 80)}`);
  }
}
