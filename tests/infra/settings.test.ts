import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, describe, expect, it } from "vitest";
import { OPTIONS, readSettings, SettingsError, settingsOf } from "../../infra/settings.ts";
import { optionsPage } from "../../infra/tools/options-page.ts";
import { root } from "../support/home.ts";
import { Template } from "../support/template.ts";

const message = (given: unknown): string => {
  try {
    readSettings(given);
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  return "accepted";
};

describe("settings", () => {
  it("have defaults that pass their own bounds", () => {
    expect(readSettings(undefined)).toEqual(readSettings({}));
    expect(readSettings({})).toMatchObject({ storageClass: "longhorn", homeSize: 20, name: "ccr" });
  });

  it("are each explained in a sentence", () => {
    for (const [name, { description }] of Object.entries(OPTIONS))
      expect(description, name).toMatch(/^[A-Z].{10,}\.$/);
  });

  it("stand in docs/running/template-options.md, which npm run options writes", () => {
    expect(readFileSync(join(root, "docs/running/template-options.md"), "utf8")).toBe(optionsPage());
    expect(Object.keys(OPTIONS).filter((name) => !optionsPage().includes(`| \`${name}\``))).toEqual([]);
  });

  it.each([
    [{ ttlHours: -1 }, "ttlHours", "-1"],
    [{ activityBumpHours: 0.5 }, "activityBumpHours", "0.5"],
    [{ organization: "acme" }, "organization", '"acme"'],
    [{ versionName: "a b" }, "versionName", '"a b"'],
    [{ activate: 1 }, "activate", "1"],
    [{ protect: "no" }, "protect", '"no"'],
    [{ requireActiveVersion: 1 }, "requireActiveVersion", "1"],
    [{ backend: { type: "ftp" } }, "backend", "ftp"],
    [{ backend: { type: "s3", secret_key: "x" } }, "backend", "s3"],
    [{ backend: "s3" }, "backend", '"s3"'],
    [{ icon: "file:///x" }, "icon", "file"],
    [{ kubeconfig: "x; rm" }, "kubeconfig", '"x; rm"'],
    [{ kubernetesProvider: "latest" }, "kubernetesProvider", '"latest"'],
    [{ networkPolicy: "on" }, "networkPolicy", '"on"'],
    [{ networkPolicyPorts: [0] }, "networkPolicyPorts", "[0]"],
    [{ networkPolicyBlocks: ["10.0.0.0"] }, "networkPolicyBlocks", "10.0.0.0"],
    [{ accessMode: "RWX" }, "accessMode", '"RWX"'],
    [{ homeSizeMax: 0 }, "homeSizeMax", "0"],
    [{ homeLabels: { "a b": "c" } }, "homeLabels", "a b"],
    [{ homeLabels: { a: "c d" } }, "homeLabels", "c d"],
    [{ homeAnnotations: ["a"] }, "homeAnnotations", '["a"]'],
    [{ images: [{ name: "x" }] }, "images", "x"],
    [{ images: [{ name: "x", image: "a b" }] }, "images", "a b"],
    [
      {
        images: [
          { name: "x", image: "a" },
          { name: "x", image: "b" },
        ],
      },
      "images",
      '"x"',
    ],
    [{ imagePullPolicy: "never" }, "imagePullPolicy", '"never"'],
    [{ imagePullSecrets: ["A"] }, "imagePullSecrets", '["A"]'],
    [{ cpuMax: 1 }, "cpu", "cpuMax"],
    [{ memory: 0 }, "memory", "0"],
    [{ memoryMax: 1 }, "memory", "memoryMax"],
    [{ memoryRequest: "-1Gi" }, "memoryRequest", '"-1Gi"'],
    [{ presets: 3 }, "presets", "3"],
    [{ runAsUser: 0 }, "runAsUser", "0"],
    [{ runAsGroup: 0 }, "runAsGroup", "0"],
    [{ nodeSelector: { pool: 1 } }, "nodeSelector", "pool"],
    [{ tolerations: [{ effect: "No" }] }, "tolerations", "No"],
    [{ tolerations: [{ operator: "Equal" }] }, "tolerations", "Equal"],
    [{ affinity: [] }, "affinity", "[]"],
    [{ serviceAccount: "A B" }, "serviceAccount", '"A B"'],
    [{ priorityClass: "A" }, "priorityClass", '"A"'],
    [{ runtimeClass: "A" }, "runtimeClass", '"A"'],
    [{ terminationGrace: 0 }, "terminationGrace", "0"],
    [{ labels: { "": "" } }, "labels", '{"":""}'],
    [{ annotations: { a: "b\nc" } }, "annotations", "b\\nc"],
    [{ env: { "A=B": "c" } }, "env", "A=B"],
    [{ env: { CODER_AGENT_TOKEN: "c" } }, "env", "CODER_AGENT_TOKEN"],
    [{ volumes: [{ name: "home", mountPath: "/x", claim: "c" }] }, "volumes", "home"],
    [{ volumes: [{ name: "x", mountPath: "/x" }] }, "volumes", "/x"],
    [{ volumes: [{ name: "x", mountPath: "/x", claim: "c", secret: "s" }] }, "volumes", "/x"],
    [{ volumes: [{ name: "x", mountPath: "/x", hostPath: "/" }] }, "volumes", "/x"],
    [{ httpProxy: "proxy:3128" }, "httpProxy", '"proxy:3128"'],
    [{ httpsProxy: "proxy" }, "httpsProxy", '"proxy"'],
    [{ noProxy: "a\nb" }, "noProxy", '"a\\nb"'],
    [{ caConfigMap: "A" }, "caConfigMap", '"A"'],
    [{ caKey: "../x" }, "caKey", '"../x"'],
    [{ apps: ["emacs"] }, "apps", "emacs"],
    [{ connectionTimeout: 100 }, "connectionTimeout", "100"],
    [{ troubleshootingUrl: "help" }, "troubleshootingUrl", '"help"'],
    [{ rows: 1 }, "rows", "1"],
    [{ memoryThreshold: 101 }, "memoryThreshold", "101"],
    [{ homeThreshold: -1 }, "homeThreshold", "-1"],
    [{ claude: "yes" }, "claude", '"yes"'],
    [{ claudeVersion: "new" }, "claudeVersion", '"new"'],
    [{ claudeInstallerUrl: "x" }, "claudeInstallerUrl", '"x"'],
    [{ setupStep: "/etc/passwd" }, "setupStep", '"/etc/passwd"'],
    [{ setupStep: "../x.sh" }, "setupStep", '"../x.sh"'],
    [{ nodeSha256X64: "x" }, "nodeSha256X64", '"x"'],
    [{ nodeSha256Arm64: "x" }, "nodeSha256Arm64", '"x"'],
    [{ homeSize: -1 }, "homeSize", "-1"],
    [{ homeSize: 1.5 }, "homeSize", "1.5"],
    [{ homeSize: "20" }, "homeSize", '"20"'],
    [{ homeSize: Number.NaN }, "homeSize", "null"],
    [{ storageClass: "fast\nslow" }, "storageClass", '"fast\\nslow"'],
    [{ storageClass: "Fast" }, "storageClass", '"Fast"'],
    [{ namespace: "" }, "namespace", '""'],
    [{ namespace: "a".repeat(64) }, "namespace", "aaaa"],
    [{ name: "my template" }, "name", '"my template"'],
    [{ name: "new" }, "name", '"new"'],
    [{ name: "a--b" }, "name", '"a--b"'],
    [{ name: "x".repeat(33) }, "name", "xxxx"],
    [{ displayName: " padded" }, "displayName", '" padded"'],
    [{ description: "x".repeat(128) }, "description", "xxxx"],
    [{ useKubeconfig: "yes" }, "useKubeconfig", '"yes"'],
    [{ image: "an image" }, "image", '"an image"'],
    [{ arch: "riscv" }, "arch", '"riscv"'],
    [{ homePath: "home/coder" }, "homePath", '"home/coder"'],
    [{ cpuRequest: "lots" }, "cpuRequest", '"lots"'],
    [{ command: "rm -rf" }, "command", '"rm -rf"'],
    [{ nodeBaseUrl: "file:///etc" }, "nodeBaseUrl", '"file:///etc"'],
    [{ nodeBaseUrl: "https://x/'; id; '" }, "nodeBaseUrl", "id"],
    [{ nodeVersion: "latest" }, "nodeVersion", '"latest"'],
    [{ nodeVersion: "24.22.0" }, "nodeSha256X64", "24.22.0"],
    [{ cpu: 20 }, "cpu", "cpuMax"],
  ])("%j is refused in one line that names the key", (given, key, value) => {
    const said = message(given);
    expect(said).toMatch(new RegExp(`^cdktf\\.json: context\\.ccr\\.${key} must `));
    expect(said).toContain(value);
    expect(said).not.toMatch(/\p{Cc}/u);
    expect(said.length).toBeLessThan(250);
  });

  it("that nobody knows are refused with the nearest one", () => {
    expect(message({ storagClass: "x" })).toBe(
      "cdktf.json: context.ccr.storagClass is not a setting. Did you mean storageClass?",
    );
    expect(message({ STORAGECLASS: "x" })).toContain("Did you mean storageClass?");
    expect(message({ "a\nb": 1 })).toMatch(/^cdktf\.json: context\.ccr\.a\\nb is not a setting\.$/);
    expect(message({ __proto__: null, constructor: 1 })).toContain("constructor is not a setting");
  });

  it("with an own start script that cannot be used name the option", async () => {
    await expect(Template.of({ setupStep: "gone.sh" })).rejects.toThrow(
      /^cdktf\.json: context\.ccr\.setupStep must be a file beside cdktf\.json that can be read: gone\.sh\.$/,
    );
    await expect(Template.of({ setupStep: "package-lock.json" })).rejects.toThrow("less than 100,000 bytes");
  });

  it("must be an object", () => {
    for (const given of [null, [], "x", 1]) expect(message(given)).toContain("must be an object");
  });

  it("of a damaged cdktf.json are one line too", () => {
    const folder = mkdtempSync(join(tmpdir(), "ccr-settings-"));
    writeFileSync(join(folder, "cdktf.json"), "{\n");
    expect(() => settingsOf(folder)).toThrow(/^cdktf\.json cannot be read: [^\n]+$/);
    rmSync(folder, { recursive: true });
  });

  it("reach Terraform as they were written, whatever is in them", async () => {
    const template = await Template.of({
      homePath: "/srv/h",
      storageClass: "",
      command: "ccx",
      memoryMax: 8,
    });
    expect(template.json.variable.storage_class.default).toBe("");
    expect(template.resource("coder_script", "setup").script).toContain("ccr_name='ccx'");
    expect(template.resource("coder_app", "ccr").command).toContain("command -v ccx");
    template.remove();
  });
});

describe("a setting that cannot be used", () => {
  const folder = mkdtempSync(join(tmpdir(), "ccr-badset-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("ends the synth with one line and status 1, without a stack trace", async () => {
    await execa("cp", [
      "-r",
      ...["infra", "helpers", "package.json", "tsconfig.json"].map((name) => join(root, name)),
      folder,
    ]);
    await execa("ln", ["-s", join(root, "node_modules"), join(folder, "node_modules")]);
    writeFileSync(join(folder, "cdktf.json"), JSON.stringify({ context: { ccr: { homeSize: -1 } } }));
    for (const words of [
      ["--import", "tsx", "infra/tools/prepare.ts", "template"],
      ["--import", "tsx", "infra/main.ts"],
      ["infra/tools/cdktf.mjs", "synth"],
      ["infra/tools/cdktf.mjs", "deploy"],
    ]) {
      const result = await execa("node", words, { cwd: folder, reject: false, all: true });
      expect(result.all).toBe(
        "ccr: cdktf.json: context.ccr.homeSize must be a whole number from 1 to 65536; it is -1.",
      );
      expect(result.exitCode).toBe(1);
    }
  });
});
