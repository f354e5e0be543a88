// `npx cdktf deploy` with the real coderd provider, in a checkout of its own, against a Coder server in memory.

import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CoderApi } from "../support/coder-api.ts";
import { root } from "../support/home.ts";
import { note } from "../support/notes.ts";
import { providers } from "../support/terraform.ts";

const { coderd, config } = await providers();
if (!coderd) note("platform: no coderd provider to be had: npx cdktf deploy was not run to its end");
/** Where no coderd provider is to be had the note above stands in the summary instead. */
const deploying: typeof it | (() => void) = coderd ? it : () => {};

describe("npx cdktf deploy", () => {
  const checkout = join(mkdtempSync(join(tmpdir(), "ccr-publish-")), "ccr");
  let coder: CoderApi;
  beforeAll(async () => {
    coder = await CoderApi.start();
    for (const name of ["infra", "helpers", "package.json", "cdktf.json", "tsconfig.json"])
      cpSync(join(root, name), join(checkout, name), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(checkout, "node_modules"));
  });
  afterAll(async () => {
    await coder.stop();
    rmSync(join(checkout, ".."), { recursive: true, force: true });
  });

  async function cdktf(...words: string[]) {
    const result = await execa(join(checkout, "infra/tools/cdktf.mjs"), words, {
      cwd: checkout,
      env: {
        CODER_URL: coder.url,
        CODER_SESSION_TOKEN: coder.token,
        TF_CLI_CONFIG_FILE: config,
        CHECKPOINT_DISABLE: undefined,
        CI: "1",
      },
      all: true,
      reject: false,
      stdin: "ignore",
      timeout: 120_000,
    });
    // cdktf colours its output without a terminal, too.
    return { status: result.exitCode, said: result.all.replaceAll(/\u001b\[[0-9;]*[A-Za-z]/g, "") };
  }

  it("synthesizes without address, token or server", async () => {
    const { status, said } = await cdktf("synth");
    expect(status, said).toBe(0);
    expect(said).toContain("Generated Terraform code for the stacks: ccr");
  });

  deploying("publishes the template, and then has nothing to change", async () => {
    const first = await cdktf("deploy", "--auto-approve");
    expect(first.status, first.said).toBe(0);
    expect(first.said).toContain("1 added, 0 changed, 0 destroyed");
    expect(coder.template).toMatchObject({ name: "ccr", display_name: "Claude Code sessions" });
    expect(coder.template.active_version_id).toBe(coder.versions[0].id);

    const second = await cdktf("deploy", "--auto-approve");
    expect(second.status, second.said).toBe(0);
    expect(second.said).toMatch(/No changes|0 added, 0 changed, 0 destroyed/);
    expect(coder.versions).toHaveLength(1);
  });

  deploying("uploads these files and no other", async () => {
    const archive = join(checkout, "..", "uploaded.tar");
    writeFileSync(archive, coder.uploads[0]!);
    expect(coder.uploads[0]!.length).toBeLessThan(1024 ** 2);
    const { stdout } = await execa`tar -tf ${archive}`;
    expect(
      stdout
        .split("\n")
        .filter((name) => !name.endsWith("/"))
        .sort(),
    ).toEqual(readdirSync(join(checkout, "dist/template")).sort());
  });

  deploying("publishes a changed setup script as a new version, active at once", async () => {
    appendFileSync(join(checkout, "infra/scripts/setup.sh"), "# changed\n");
    const { status, said } = await cdktf("deploy", "--auto-approve");
    expect(status, said).toBe(0);
    expect(coder.versions).toHaveLength(2);
    expect(coder.template.active_version_id).toBe(coder.versions[1].id);
  });

  deploying("names versions by their content, and says in them what was committed last", async () => {
    await execa("git", ["init", "-q"], { cwd: checkout });
    const commit = (subject: string) =>
      execa(
        "git",
        [
          "-c",
          "user.name=a",
          "-c",
          "user.email=a@example.com",
          "commit",
          "-q",
          "--allow-empty",
          "-m",
          subject,
        ],
        {
          cwd: checkout,
        },
      );
    await commit("Say ${this} and `that`");
    appendFileSync(join(checkout, "infra/scripts/setup.sh"), "# once more\n");
    const { status, said } = await cdktf("deploy", "--auto-approve");
    expect(status, said).toBe(0);
    expect(coder.versions).toHaveLength(3);
    expect(coder.versions[2].name).toMatch(/^[0-9a-f]{12}$/);
    expect(coder.versions[2].message).toMatch(/^[0-9a-f]{7,} Say \$\{this\} and `that`$/);
    // Another commit with the same content is no new version.
    await commit("Words only");
    const again = await cdktf("deploy", "--auto-approve");
    expect(again.status, again.said).toBe(0);
    expect(coder.versions).toHaveLength(3);
  });

  deploying(
    "publishes without activating, to be promoted later, and activates at the next deploy",
    async () => {
      const before = coder.template.active_version_id;
      appendFileSync(join(checkout, "infra/scripts/setup.sh"), "# later\n");
      const { status, said } = await cdktf("deploy", "--auto-approve", "--no-activate");
      expect(status, said).toBe(0);
      expect(coder.versions).toHaveLength(4);
      expect(coder.template.active_version_id).toBe(before);
      const again = await cdktf("deploy", "--auto-approve");
      expect(again.status, again.said).toBe(0);
      expect(coder.versions).toHaveLength(4);
      expect(coder.template.active_version_id).toBe(coder.versions[3].id);
    },
  );

  deploying("keeps its state beside cdktf.json, where git ignores it", async () => {
    expect(readFileSync(join(checkout, "terraform.ccr.tfstate"), "utf8")).toContain(coder.template.id);
    expect(readFileSync(join(root, ".gitignore"), "utf8").split("\n")).toContain("terraform.*.tfstate*");
  });

  deploying("is not deleted by mistake, and is when the guard is off", async () => {
    const { status, said } = await cdktf("destroy", "--auto-approve");
    expect(status).toBe(1);
    expect(said).toBe(
      "ccr: the template ccr is protected: to delete it, set context.ccr.protect to false in cdktf.json first.",
    );
    expect(coder.template).toBeDefined();
    const file = join(checkout, "cdktf.json");
    const config = JSON.parse(readFileSync(file, "utf8"));
    config.context.ccr.protect = false;
    writeFileSync(file, JSON.stringify(config));
    const gone = await cdktf("destroy", "--auto-approve");
    expect(gone.status, gone.said).toBe(0);
    expect(coder.template).toBeUndefined();
  });
});
