// dist/module in templates that are not ours: the shape of Coder's own Kubernetes example, and one without Kubernetes.

import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSettings } from "../../infra/settings.ts";
import { writeModuleFolder } from "../../infra/template-folder.ts";
import { setupScripts } from "../support/setup-script.ts";
import { helperFile } from "../support/template.ts";
import { providers, Terraform } from "../support/terraform.ts";

const { form } = await providers();

const AGENT = `
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}
data "coder_workspace" "me" {}
resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
  metadata {
    key      = "own"
    script   = "coder stat cpu"
    interval = 10
  }
  dynamic "metadata" {
    for_each = module.ccr.rows
    content {
      key          = metadata.value.key
      display_name = metadata.value.display_name
      script       = metadata.value.script
      interval     = metadata.value.interval
      timeout      = metadata.value.timeout
      order        = metadata.value.order
    }
  }
}
module "ccr" {
  source   = "./ccr"
  agent_id = coder_agent.main.id
}
`;

const KUBERNETES = `
provider "kubernetes" {}
resource "kubernetes_persistent_volume_claim_v1" "home" {
  metadata {
    name      = "coder-\${data.coder_workspace.me.id}-home"
    namespace = "w"
  }
  wait_until_bound = false
  spec {
    access_modes = ["ReadWriteOnce"]
    resources { requests = { storage = "10Gi" } }
  }
}
resource "kubernetes_deployment_v1" "main" {
  count            = data.coder_workspace.me.start_count
  wait_for_rollout = false
  metadata {
    name      = "coder-\${data.coder_workspace.me.id}"
    namespace = "w"
  }
  spec {
    replicas = 1
    selector { match_labels = { "com.coder.workspace.id" = data.coder_workspace.me.id } }
    strategy { type = "Recreate" }
    template {
      metadata { labels = { "com.coder.workspace.id" = data.coder_workspace.me.id } }
      spec {
        container {
          name    = "dev"
          image   = "codercom/enterprise-base:ubuntu"
          command = ["sh", "-c", coder_agent.main.init_script]
          env {
            name  = "CODER_AGENT_TOKEN"
            value = coder_agent.main.token
          }
          volume_mount {
            mount_path = "/home/coder"
            name       = "home"
          }
        }
        volume {
          name = "home"
          persistent_volume_claim { claim_name = kubernetes_persistent_volume_claim_v1.home.metadata.0.name }
        }
      }
    }
  }
}
`;

const OTHER = `
resource "terraform_data" "machine" {
  count = data.coder_workspace.me.start_count
  input = coder_agent.main.init_script
}
`;

describe("the module", () => {
  const root = mkdtempSync(join(tmpdir(), "ccr-module-"));
  const folder = join(root, "module");
  beforeAll(() =>
    writeModuleFolder({ folder, settings: readSettings({}), helper: helperFile(), version: "1.0.0" }),
  );
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  async function template(name: string, text: string): Promise<Terraform> {
    const own = join(root, name);
    mkdirSync(own);
    cpSync(folder, join(own, "ccr"), { recursive: true });
    writeFileSync(join(own, "main.tf"), text);
    return await Terraform.plain(own);
  }

  it.each([["kubernetes", KUBERNETES] as const, ["other", OTHER] as const])(
    "adds scripts, apps and rows to a template of the kind %s",
    async (name, machine) => {
      // Without the kubernetes provider the first shape cannot be planned; the summary says which form ran.
      const terraform = await template(
        name,
        AGENT + (name === "kubernetes" && form !== "full" ? OTHER : machine),
      );
      try {
        await terraform.must("validate");
        const changes = await terraform.plan();
        expect(
          Object.keys(changes)
            .filter((address) => address.startsWith("module.ccr"))
            .sort(),
        ).toEqual([
          "module.ccr.coder_app.ccr",
          "module.ccr.coder_app.tmux",
          ...setupScripts().map((_, index) => `module.ccr.coder_script.setup[${index}]`),
          "module.ccr.coder_script.stop",
        ]);
        const plan = JSON.parse(await terraform.must("show", "-json", "plan"));
        const planned = (address: string) =>
          // biome-ignore lint/suspicious/noExplicitAny: a plan
          plan.resource_changes.find((one: any) => one.address === address).change.after;
        expect(planned("coder_agent.main").metadata.map(({ key }: { key: string }) => key)).toEqual([
          "own",
          "live",
          "limited",
          "reset",
          "ccr",
        ]);
        for (const [index, composed] of setupScripts().entries()) {
          const script: string = planned(`module.ccr.coder_script.setup[${index}]`).script;
          expect(Buffer.byteLength(script)).toBeLessThan(100_000);
          expect(Math.max(...script.split("\n").map((line) => line.length))).toBeLessThanOrEqual(4000);
          expect(script.split("\n").at(-2)).toBe(composed.split("\n").at(-2));
        }
        expect(terraform.longestLine).toBeLessThanOrEqual(4000);
        const upkeep = await terraform.copy();
        writeFileSync(
          join(upkeep.folder, "main.tf"),
          (AGENT + OTHER).replace("agent_id = coder", "auto_resume = true\n  agent_id = coder"),
        );
        expect(Object.keys(await upkeep.plan())).toContain("module.ccr.coder_script.upkeep[0]");
        upkeep.remove();
      } finally {
        terraform.remove();
      }
    },
  );
});
