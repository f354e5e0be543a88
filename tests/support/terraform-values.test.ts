import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TerraformValues } from "./terraform-values.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ccr-values-"));
  writeFileSync(join(folder, "a.sh"), 'echo "${HOME}" %{x}\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

const config = {
  locals: {
    name: "it's",
    lines: '${join("\\n", regexall(".{1,3}", var.long))}',
    nested: { deep: "${var.size}" },
  },
  variable: { long: { default: "abcdefgh" }, size: { default: 20 }, none: {} },
};
const resolve = (value: string) =>
  new TerraformValues(config, folder, { "data.coder_x.me.value": "known" }).resolve(value);

describe("a value of the synthesized template", () => {
  it.each([
    ["plain text", "plain text"],
    ["a${1}b", "a1b"],
    ["$${HOME} %%{if}", "${HOME} %{if}"],
    ["${local.lines}", "abc\ndef\ngh"],
    ["${local.nested.deep}", 20],
    ["${replace(local.name, \"'\", \"'\\\\''\")}", "it'\\''s"],
    ['${file("${path.module}/a.sh")}', 'echo "${HOME}" %{x}\n'],
    ['${file("a.sh")}', 'echo "${HOME}" %{x}\n'],
    ["${data.coder_x.me.value}", "known"],
    ['${var.size == 20 ? "same" : "other"}', "same"],
    ['${var.size != 20 ? "same" : join(",", ["a", "b"])}', "a,b"],
    ["${[1, 2]}", [1, 2]],
  ])("%s becomes what Terraform makes of it", (template, value) => {
    expect(resolve(template)).toEqual(value);
  });

  it("is packed so that it can be unpacked", () => {
    const packed = String(resolve('${base64gzip(file("a.sh"))}'));
    expect(gunzipSync(Buffer.from(packed, "base64")).toString()).toBe('echo "${HOME}" %{x}\n');
  });

  it.each([
    ["${nosuch(1)}", "nosuch()"],
    ["${data.coder_workspace.me.id}", "data.coder_workspace.me.id"],
    ["${var.none}", "var.none"],
    ["${1 +}", "cannot read"],
    ["${join(", "cannot read"],
  ])("%s is an error that names it", (template, message) => {
    expect(() => resolve(template)).toThrow(message);
  });
});
