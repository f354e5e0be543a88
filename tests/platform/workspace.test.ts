import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeHome } from "../support/home.ts";
import { KubernetesApi } from "../support/kubernetes-api.ts";
import { runAsAgent, setupScript, template } from "../support/setup-script.ts";
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
      "coder_script.setup": "create",
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
    expect(Object.keys(await importing.plan())).toHaveLength(6);
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

describe("the script that was applied", () => {
  let script: string;
  beforeAll(async () => {
    ({ script } = await terraform.applied("coder_script.setup"));
  });

  it("is under 100,000 bytes, and no line of it is over 4,000", () => {
    expect(Buffer.byteLength(script)).toBeLessThan(100_000);
    expect(Math.max(...script.split("\n").map((line) => line.length))).toBeLessThanOrEqual(4000);
  });

  it("never makes Terraform print a line over 4,000: Coder hangs for ever on 65,536", async () => {
    await terraform.must("show", "-no-color");
    const shown = await terraform.must("show", "-no-color");
    expect(Math.max(...shown.split("\n").map((line) => line.length))).toBeLessThanOrEqual(4000);
    expect(terraform.longestLine).toBeGreaterThan(100);
    expect(terraform.longestLine).toBeLessThanOrEqual(4000);
  });

  it("is the script that tests elsewhere compose without Terraform", () => {
    expect(unpacked(script)).toEqual(unpacked(setupScript()));
  });

  it("installs ccr in an empty home, and changes nothing the second time", async () => {
    const home = makeHome();
    try {
      const first = await runAsAgent(script, home, `${home.around}/agent`);
      expect(first.exitCode, first.all).toBe(0);
      expect(first.all).toMatch(/^node \d+\.\d+\.\d+ found/m);
      expect(first.all).toContain("installed");
      expect(first.all).not.toContain("warning:");
      const again = await runAsAgent(script, home, `${home.around}/agent`);
      expect(again.exitCode).toBe(0);
    } finally {
      await home.remove();
    }
  });
});

/** The script with its payload decoded: two gzips of the same bytes differ. */
function unpacked(script: string): string {
  return script.replace(/^ccr_payload='([^']+)'$/m, (_, payload) =>
    gunzipSync(Buffer.from(payload, "base64")).toString(),
  );
}
