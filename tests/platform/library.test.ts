// The constructs in a template of somebody else's: infra/examples/sidecar.ts.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { TeamTemplate } from "../../infra/examples/sidecar.ts";
import { readSettings, writeTemplateFolder } from "../../infra/index.ts";
import { helperFile, type Json, Template } from "../support/template.ts";
import { providers, reducedAddress, Terraform } from "../support/terraform.ts";

const root = mkdtempSync(join(tmpdir(), "ccr-library-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

it("a template with a sidecar and a parameter of its own plans, with all of ours in it", async () => {
  const folder = join(root, "template");
  await writeTemplateFolder({
    folder,
    settings: readSettings({ namespace: "team" }),
    helper: helperFile(),
    version: "1.0.0",
    make: (app, settings, version) => new TeamTemplate(app, "team", settings, version),
  });
  const plain = await Template.of();
  expect(Template.in(folder).addresses()).toEqual(plain.addresses());
  plain.remove();

  const terraform = await Terraform.workspace(folder);
  try {
    await terraform.must("validate");
    terraform.choose({ database_memory: 3 });
    await terraform.plan();
    const { resource_changes } = JSON.parse(await terraform.must("show", "-json", "plan"));
    const address = "kubernetes_deployment_v1.main[0]";
    const full = (await providers()).form === "full";
    const { after } = resource_changes.find(
      (one: Json) => one.address === (full ? address : reducedAddress(address)),
    ).change;
    const pod = full ? after.spec[0].template[0].spec[0] : after.input.spec.template.spec;
    expect(pod.container.map(({ name }: Json) => name)).toEqual(["dev", "database"]);
    expect(JSON.stringify(pod.container[1].resources)).toContain("3Gi");
    terraform.choose({ database_memory: 9 });
    expect((await terraform.run("plan")).all).toContain("more than the maximum 8");
  } finally {
    terraform.remove();
  }
});
