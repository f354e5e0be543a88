// The synthesized template as JSON, with accessors for tests.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSettings } from "../../infra/settings.ts";
import { writeTemplateFolder } from "../../infra/template-folder.ts";
import { root } from "./home.ts";

// biome-ignore lint/suspicious/noExplicitAny: Terraform's JSON has as many shapes as providers
export type Json = any;

/** A template made from settings, in a folder of its own. */
export class Template {
  private constructor(
    readonly folder: string,
    readonly json: Json,
  ) {}

  /** Synthesizes with these settings (the keys of `context.ccr`); the rest are defaults. */
  static async of(given: Record<string, unknown> = {}, helper = helperFile()): Promise<Template> {
    const folder = join(mkdtempSync(join(tmpdir(), "ccr-template-")), "template");
    await writeTemplateFolder({ folder, settings: readSettings(given), helper, version: "9.8.7" });
    return Template.in(folder);
  }

  static in(folder: string): Template {
    return new Template(folder, JSON.parse(readFileSync(join(folder, "main.tf.json"), "utf8")));
  }

  resource(type: string, name: string): Json {
    const found = this.json.resource?.[type]?.[name];
    if (!found) throw new Error(`the template has no ${type}.${name}; it has ${this.addresses().join(", ")}`);
    return found;
  }

  /** Addresses of all resources, sorted. */
  addresses(): string[] {
    return addressesOf(this.json.resource);
  }

  dataAddresses(): string[] {
    return addressesOf(this.json.data).map((address) => `data.${address}`);
  }

  /** Every text in the JSON with its path. */
  texts(): { at: string; text: string }[] {
    const found: { at: string; text: string }[] = [];
    const walk = (value: Json, at: string): void => {
      if (typeof value === "string") found.push({ at, text: value });
      else if (typeof value === "object" && value !== null)
        for (const [key, inner] of Object.entries(value)) walk(inner, at ? `${at}.${key}` : key);
    };
    walk(this.json, "");
    return found;
  }

  /** Every key in the JSON, at any depth. */
  keys(): Set<string> {
    const found = new Set<string>();
    JSON.stringify(this.json, (key, value) => {
      found.add(key);
      return value;
    });
    return found;
  }

  file(name: string): string {
    return readFileSync(join(this.folder, name), "utf8");
  }

  files(): string[] {
    return readdirSync(this.folder, { recursive: true }).map(String).sort();
  }

  remove(): void {
    rmSync(join(this.folder, ".."), { recursive: true, force: true });
  }
}

const addressesOf = (blocks: Json): string[] =>
  Object.entries(blocks ?? {})
    .flatMap(([type, named]) => Object.keys(named as Json).map((name) => `${type}.${name}`))
    .sort();

/** A helper that does nothing, with this text; its file. */
export function fakeHelper(folder: string, text = "// a helper\n"): string {
  const file = join(folder, "ccr.cjs");
  writeFileSync(file, text);
  return file;
}

export const helperFile = (): string => join(root, "dist/ccr.cjs");
