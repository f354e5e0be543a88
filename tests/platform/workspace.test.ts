import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KubernetesApi } from "../support/kubernetes-api.ts";
import { setupScripts, startScripts, template } from "../support/setup-script.ts";
import { reducedAddress, Terraform } from "../support/terraform.ts";

const CLAIM = "kubernetes_persistent_volume_claim_v1.home";

let api: KubernetesApi;
let terraform: Terraform;
let full: boolean;
beforeAll(async () => {
  api = await KubernetesApi.start();
  terraform = await Terraform.workspace(template);
  terraform.env.KUBE_HOST = api.url;
  full = terraform.providers.form === "full";
}, 600_000);
afterAll(async () => {
  terraform?.remove();
  await api?.stop();
});

const named = (address: string) => (full ? address : reducedAddress(address));

describe("Terraform with the real providers", () => {
  it("finds the template valid and its HCL tidy", async () => {
    expect(await terraform.must("validate")).toContain("The configuration is valid");
    await terraform.must("fmt", "-check", "parameters.tf");
  });

  it("plans a start: agent, script, app, home and pod", async () => {
    expect(await terraform.plan()).toEqual({
      "coder_agent.main": "create",
      "coder_app.ccr": "create",
      "coder_app.tmux": "create",
      ...Object.fromEntries(setupScripts().map((_, index) => [`coder_script.setup[${index}]`, "create"])),
      "coder_script.stop": "create",
      [named("kubernetes_deployment_v1.main[0]")]: "create",
      [named(CLAIM)]: "create",
      "terraform_data.home": "create",
    });
  });

  it("plans a stop: no pod", async () => {
    terraform.env.CODER_WORKSPACE_TRANSITION = "stop";
    const changes = Object.keys(await terraform.plan());
    delete terraform.env.CODER_WORKSPACE_TRANSITION;
    expect(changes).toContain(named(CLAIM));
    expect(changes.join(" ")).not.toContain("deployment");
  });

  it("plans without any cluster at all, as Coder does when it imports the template", async () => {
    const importing = await Terraform.workspace(template);
    importing.env.KUBE_HOST = undefined;
    expect(Object.keys(await importing.plan())).toHaveLength(7 + setupScripts().length);
    importing.remove();
  });

  it.each([
    ["cpu", "0", "value 0 is less than the minimum 1"],
    ["home_size", "100000", "value 100000 is more than the maximum"],
    ["memory", "much", "number"],
  ])("refuses %s = %s with the reason", async (name, value, reason) => {
    const other = await Terraform.workspace(template);
    other.choose({ [name]: value });
    const { ok, all } = await other.run("plan");
    other.remove();
    expect(ok).toBe(false);
    expect(all).toContain(reason);
  });

  it("applies, and a second plan touches nothing but the pod's new token", async () => {
    await terraform.apply();
    const changes = await terraform.plan();
    expect(Object.keys(changes).filter((address) => !address.includes("deployment"))).toEqual([]);
    expect(Object.values(changes)).not.toContain("delete+create");
  });
});

describe("the start scripts that were applied", () => {
  const scripts: Record<string, string> = {};
  beforeAll(async () => {
    for (const name of Object.keys(startScripts()))
      scripts[name] = (await terraform.applied(`coder_script.${name}`)).script;
  });

  it("are each under 100,000 bytes, and no line of them is over 4,000", () => {
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(["setup[0]", "setup[1]"]));
    for (const [name, script] of Object.entries(scripts)) {
      expect(Buffer.byteLength(script), name).toBeLessThan(100_000);
      expect(Math.max(...script.split("\n").map((line) => line.length)), name).toBeLessThanOrEqual(4000);
    }
  });

  it("never make Terraform print a line over 4,000: Coder hangs for ever on 65,536", async () => {
    const shown = await terraform.must("show", "-no-color");
    expect(Math.max(...shown.split("\n").map((line) => line.length))).toBeLessThanOrEqual(4000);
    expect(terraform.longestLine).toBeGreaterThan(100);
    expect(terraform.longestLine).toBeLessThanOrEqual(4000);
  });

  it("are the scripts that tests elsewhere compose without Terraform", () => {
    const composed = startScripts();
    expect(program(Object.values(scripts))).toBe(program(Object.values(composed)));
    for (const [name, script] of Object.entries(composed))
      expect(withoutPiece(scripts[name]!), name).toBe(withoutPiece(script));
  });
});

describe("a helper that does not fit into the start scripts of its template", () => {
  it("is refused by the plan, with what to do", async () => {
    const other = await Terraform.workspace(template);
    writeFileSync(join(other.folder, "ccr.cjs"), randomBytes(300_000).toString("base64"));
    const { ok, all } = await other.run("plan");
    other.remove();
    expect(ok).toBe(false);
    expect(all.replaceAll(/\s+/g, " ").replaceAll("│ ", "")).toMatch(
      /A start script of ccr has \d+ bytes, but must have less than 100000\. Synthesize the template again: npm run synth/,
    );
  });
});

const PIECE = /^ccr_piece='([^']+)'$/m;

/** A script without what depends on the compression: two gzips of the same bytes differ. */
const withoutPiece = (script: string): string =>
  script.replace(PIECE, "").replace(/^ccr_sha256='[0-9a-f]{64}'$/m, "");

/** The program that the pieces of all scripts are. */
const program = (scripts: readonly string[]): string =>
  gunzipSync(
    Buffer.from(scripts.map((script) => PIECE.exec(script)?.[1] ?? "").join(""), "base64"),
  ).toString();
