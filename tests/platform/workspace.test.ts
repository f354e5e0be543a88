import { gunzipSync } from "node:zlib";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeHome } from "../support/home.ts";
import { KubernetesApi } from "../support/kubernetes-api.ts";
import { runAsAgent, startScripts, template } from "../support/setup-script.ts";
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
      "coder_script.part": "create",
      "coder_script.rest": "create",
      "coder_script.setup": "create",
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
    expect(Object.keys(await importing.plan())).toHaveLength(10);
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
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(["setup", "part", "rest"]));
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
    for (const [name, script] of Object.entries(startScripts()))
      expect(unpacked(scripts[name]!), name).toEqual(unpacked(script));
  });

  it.each([
    ["at once", async (run: Run[]) => await Promise.all(run.map((one) => one()))],
    ["first setup", async (run: Run[]) => [await run[0]!(), await run[1]!(), await run[2]!()]],
    ["last setup", async (run: Run[]) => [await run[2]!(), await run[1]!(), await run[0]!()]],
  ])("install all of ccr in an empty home (%s), and change nothing the second time", async (_, order) => {
    const home = makeHome();
    const install = () =>
      order(
        [scripts.setup!, scripts.part!, scripts.rest!].map(
          (script) => () => runAsAgent(script, home, `${home.around}/agent`),
        ),
      );
    try {
      for (const result of await install()) {
        expect(result.exitCode, result.all).toBe(0);
        expect(result.all).not.toContain("warning:");
      }
      const ccr = `${home.path}/.local/bin/ccr`;
      for (const verb of ["list", "check-limits", "stats"]) {
        const { stdout } = await execa(ccr, [verb, "--json"], { env: home.env, extendEnv: false });
        expect(JSON.parse(stdout)).toMatchObject({ schema: `ccr/${verb}@1` });
      }
      const before =
        await execa`find ${home.path}/.local/lib ${home.path}/.local/bin -type f -printf ${"%p %s %m\n"}`;
      for (const result of await install()) expect(result.exitCode).toBe(0);
      const after =
        await execa`find ${home.path}/.local/lib ${home.path}/.local/bin -type f -printf ${"%p %s %m\n"}`;
      expect(after.stdout.split("\n").sort()).toEqual(before.stdout.split("\n").sort());
    } finally {
      await home.remove();
    }
  });
});

type Run = () => ReturnType<typeof runAsAgent>;

/** The script with its payload decoded: two gzips of the same bytes differ. */
function unpacked(script: string): string {
  return script.replace(/^ccr_payload='([^']+)'$/m, (_, payload) =>
    gunzipSync(Buffer.from(payload, "base64")).toString(),
  );
}
