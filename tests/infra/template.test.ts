import { randomBytes } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../support/home.ts";
import { setupScripts } from "../support/setup-script.ts";
import { fakeHelper, helperFile, Template } from "../support/template.ts";
import { TerraformValues } from "../support/terraform-values.ts";
import { onPath } from "../support/tools.ts";

let template: Template;
beforeAll(async () => {
  template = await Template.of();
});
afterAll(() => template.remove());

describe("the template's folder", () => {
  it("holds these files and no other", () => {
    expect(template.files()).toEqual([
      "README.md",
      "ccr.cjs",
      "join.cjs",
      "main.tf.json",
      "parameters.tf",
      "personal.sh",
      "rows.sh",
      "setup.sh",
      "stop.sh",
      "upkeep.sh",
    ]);
  });

  it("has no backend, no note of cdktf's and no path of this machine", () => {
    expect(template.json.terraform).not.toHaveProperty("backend");
    expect(template.keys()).not.toContain("//");
    for (const file of template.files().filter((name) => name !== "ccr.cjs"))
      expect(template.file(file)).not.toContain(root);
  });

  it("is far smaller than the mebibyte that Coder takes", () => {
    const bytes = template.files().map((file) => statSync(join(template.folder, file)).size);
    expect(bytes.reduce((sum, size) => sum + Math.ceil(size / 512) * 512 + 512, 1024)).toBeLessThan(
      900 * 1024,
    );
  });

  it("is the same, byte for byte, from another checkout in another directory, without Terraform", async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "ccr elsewhere "));
    try {
      const copy = join(elsewhere, "a clone");
      mkdirSync(copy);
      for (const name of ["infra", "helpers", "package.json", "cdktf.json", "tsconfig.json"])
        cpSync(join(root, name), join(copy, name), { recursive: true });
      await execa("ln", ["-s", join(root, "node_modules"), join(copy, "node_modules")]);
      const script = join(copy, "write.ts");
      writeFileSync(
        script,
        `import { readSettings } from "./infra/settings.ts";
         import { writeTemplateFolder } from "./infra/template-folder.ts";
         await writeTemplateFolder({ folder: process.argv[2]!, settings: readSettings({}), helper: process.argv[3]!, version: "9.8.7" });`,
      );
      const there = join(elsewhere, "out/template");
      mkdirSync(join(elsewhere, "bin"));
      for (const name of ["node", "sh", "env"])
        await execa("ln", ["-s", onPath(name)!, join(elsewhere, "bin", name)]);
      const path = { PATH: join(elsewhere, "bin"), HOME: elsewhere };
      await execa({
        cwd: copy,
        env: path,
        extendEnv: false,
      })`node --import tsx ${script} ${there} ${helperFile()}`;
      await execa("diff", ["-r", template.folder, there]);
    } finally {
      rmSync(elsewhere, { recursive: true, force: true });
    }
  });

  it("holds the helper as it is", () => {
    expect(readFileSync(join(template.folder, "ccr.cjs")).equals(readFileSync(helperFile()))).toBe(true);
  });

  it("has as many start scripts as the helper needs, and is not made for one that is far too large", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ccr-large-"));
    const random = (bytes: number) => fakeHelper(folder, randomBytes((bytes * 3) / 4).toString("base64"));
    // Base64 text compresses to its bytes, and these are sent as base64 again.
    for (const [bytes, pieces] of [
      [10, 1],
      [70_000, 1],
      [100_000, 2],
      [250_000, 3],
      [340_000, 4],
    ] as const) {
      const one = await Template.of({}, random(bytes));
      expect(one.resource("coder_script", "setup").count, `${bytes} bytes`).toBe(pieces);
      for (const script of setupScripts(one.folder)) expect(Buffer.byteLength(script)).toBeLessThan(100_000);
      one.remove();
    }
    await expect(Template.of({}, random(2_000_000))).rejects.toThrow(
      /^the helper has 2000000 bytes, \d+ compressed: too much for 9 start scripts/,
    );
    rmSync(folder, { recursive: true });
  });

  it("is left alone when nothing changed", async () => {
    const before = statSync(join(template.folder, "main.tf.json"));
    const { writeTemplateFolder } = await import("../../infra/template-folder.ts");
    const { readSettings } = await import("../../infra/settings.ts");
    await writeTemplateFolder({
      folder: template.folder,
      settings: readSettings({}),
      helper: helperFile(),
      version: "9.8.7",
    });
    expect(statSync(join(template.folder, "main.tf.json")).ino).toBe(before.ino);
  });
});

describe("addresses in a workspace's state", () => {
  it("are those of the first release: a renamed one deletes homes", () => {
    expect(template.addresses()).toEqual([
      "coder_agent.main",
      "coder_app.ccr",
      "coder_app.tmux",
      "coder_script.personal",
      "coder_script.setup",
      "coder_script.stop",
      "coder_script.upkeep",
      "kubernetes_deployment_v1.main",
      "kubernetes_persistent_volume_claim_v1.home",
      "terraform_data.home",
    ]);
  });

  it("are unique without the hashes of cdktf", () => {
    for (const address of [...template.addresses(), ...template.dataAddresses()])
      expect(address).toMatch(/^[a-z0-9_.]+$/);
  });
});

describe("the home volume", () => {
  const claim = () => template.resource("kubernetes_persistent_volume_claim_v1", "home");

  it("is named after the workspace's id alone", () => {
    expect(claim().metadata.name).toBe("coder-${data.coder_workspace.me.id}-home");
  });

  it("takes its place and class from the first build, never from a variable", () => {
    const first = template.resource("terraform_data", "home");
    expect(first.lifecycle.ignore_changes).toEqual(["input"]);
    expect(first.input).toMatchObject({
      namespace: "${var.namespace}",
      storage_class: "${var.storage_class}",
      access_mode: "${var.access_mode}",
    });
    expect(JSON.stringify(claim())).not.toContain("var.");
    expect(claim().metadata.namespace).toBe("${terraform_data.home.output.namespace}");
  });

  it("ignores what would replace it", () => {
    expect(claim().lifecycle.ignore_changes).toEqual([
      "metadata",
      "spec[0].storage_class_name",
      "spec[0].access_modes",
      "wait_until_bound",
    ]);
  });

  it("does not wait for a pod that is not there yet", () => {
    expect(claim().wait_until_bound).toBe(false);
  });

  it("is looked up in the namespace of the first build, with no more rights than it takes to make it", () => {
    expect(template.dataAddresses().filter((address) => address.includes("kubernetes"))).toEqual([
      "data.kubernetes_persistent_volume_claim_v1.home",
    ]);
    expect(template.json.data.kubernetes_persistent_volume_claim_v1.home.metadata).toEqual({
      name: "coder-${data.coder_workspace.me.id}-home",
      namespace: "${terraform_data.home.output.namespace}",
    });
  });
});

describe("the workspace's pod", () => {
  const deployment = () => template.resource("kubernetes_deployment_v1", "main");
  const pod = () => deployment().spec.template.spec;

  it("is there while the workspace is started, one at a time", () => {
    expect(deployment().count).toBe("${data.coder_workspace.me.start_count}");
    expect(deployment().spec.strategy.type).toBe("Recreate");
    expect(deployment().spec.replicas).toBe("1");
    expect(deployment().wait_for_rollout).toBe(false);
  });

  it("stays beside its volume", () => {
    expect(deployment().metadata.namespace).toBe(
      "${kubernetes_persistent_volume_claim_v1.home.metadata[0].namespace}",
    );
    expect(pod().volume[0].persistent_volume_claim.claim_name).toBe(
      "${kubernetes_persistent_volume_claim_v1.home.metadata[0].name}",
    );
  });

  it("is selected by ids alone, because selectors cannot change and names do", () => {
    const selector = JSON.stringify(deployment().spec.selector);
    expect(selector).toContain("data.coder_workspace.me.id");
    expect(selector).not.toContain(".name}");
    expect(Object.keys(deployment().spec.selector.match_labels)).toHaveLength(2);
    const labels = deployment().spec.template.metadata.labels;
    expect(labels).toMatchObject(deployment().spec.selector.match_labels);
  });

  it("has the labels of Coder's own template", () => {
    expect(Object.keys(deployment().metadata.labels).sort()).toEqual([
      "app.kubernetes.io/instance",
      "app.kubernetes.io/name",
      "app.kubernetes.io/part-of",
      "com.coder.resource",
      "com.coder.user.id",
      "com.coder.user.username",
      "com.coder.workspace.id",
      "com.coder.workspace.name",
    ]);
  });

  it("passes Kubernetes' restricted profile", () => {
    expect(pod().security_context).toMatchObject({
      run_as_non_root: true,
      run_as_user: "1000",
      seccomp_profile: { type: "RuntimeDefault" },
    });
    // In the container, too: the provider writes false there where nothing is said.
    expect(pod().container[0].security_context).toMatchObject({
      run_as_non_root: true,
      allow_privilege_escalation: false,
      capabilities: { drop: ["ALL"] },
    });
  });

  it("has nothing that the restricted profile's list forbids", async () => {
    // https://kubernetes.io/docs/concepts/security/pod-security-standards/ (v1.34), baseline and restricted.
    const rich = await Template.of({
      volumes: [
        { name: "a", mountPath: "/a", emptyDir: "" },
        { name: "b", mountPath: "/b", claim: "c" },
        { name: "c", mountPath: "/c", secret: "s" },
        { name: "d", mountPath: "/d", configMap: "m" },
      ],
      caConfigMap: "bundle",
      serviceAccount: "builder",
    });
    rich.remove();
    for (const one of [template, rich]) {
      const spec = one.resource("kubernetes_deployment_v1", "main").spec.template.spec;
      const containers = [...spec.container, ...(spec.init_container ?? [])];
      for (const key of ["host_network", "host_pid", "host_ipc"]) expect(spec[key] ?? false).toBe(false);
      for (const key of ["sysctl", "se_linux_options", "windows_options"])
        expect(spec.security_context).not.toHaveProperty(key);
      expect(spec.security_context.run_as_non_root).toBe(true);
      expect(Number(spec.security_context.run_as_user)).toBeGreaterThan(0);
      expect(["RuntimeDefault", "Localhost"]).toContain(spec.security_context.seccomp_profile.type);
      expect(spec.template?.metadata?.annotations ?? {}).not.toHaveProperty("apparmor");
      for (const container of containers) {
        const context = container.security_context;
        expect(context.privileged ?? false).toBe(false);
        expect(context.allow_privilege_escalation).toBe(false);
        expect(context.capabilities).toEqual({ drop: ["ALL"] });
        expect(context.run_as_non_root ?? true).toBe(true);
        expect(Number(context.run_as_user ?? 1)).toBeGreaterThan(0);
        expect(context).not.toHaveProperty("proc_mount");
        for (const port of container.port ?? []) expect(port).not.toHaveProperty("host_port");
      }
      const kinds = spec.volume.flatMap((volume: object) =>
        Object.keys(volume).filter((key) => key !== "name"),
      );
      const allowed = [
        "config_map",
        "csi",
        "downward_api",
        "empty_dir",
        "ephemeral",
        "persistent_volume_claim",
        "projected",
        "secret",
      ];
      expect(kinds.filter((kind: string) => !allowed.includes(kind))).toEqual([]);
      expect(kinds).toHaveLength(spec.volume.length);
    }
  });

  it("does not walk the whole home at every start", () => {
    expect(pod().security_context).toMatchObject({
      fs_group: "1000",
      fs_group_change_policy: "OnRootMismatch",
    });
  });
});

describe("the workspace's agent", () => {
  it("is called main and waits for a slow volume", () => {
    expect(template.resource("coder_agent", "main").connection_timeout).toBeGreaterThanOrEqual(300);
  });

  it("runs the setup scripts at every start, in sh, with a time limit", () => {
    const script = template.resource("coder_script", "setup");
    expect(script).toMatchObject({ run_on_start: true, agent_id: "${coder_agent.main.id}" });
    expect(script.timeout).toBeGreaterThanOrEqual(1);
    expect(script.script).toMatch(/^#!\/bin\/sh\n/);
  });

  it("gets the scripts and the helper as files, with nothing pasted", () => {
    const { script } = template.resource("coder_script", "setup");
    expect(script).toMatch(/^\$\{replace\(file\("\$\{path\.module\}\/setup\.sh"\),/m);
    expect(script).toMatch(/^ccr_join='\$\{replace\(replace\(file\("\$\{path\.module\}\/join\.cjs"\),/m);
    expect(template.json.locals.program).toBe('${base64gzip(file("${path.module}/ccr.cjs"))}');
    expect(template.file("main.tf.json").length).toBeLessThan(25_000);
    for (const { text } of template.texts()) expect(text.length).toBeLessThan(2000);
  });

  it("gets the same text in all setup scripts, but for the number and the piece", () => {
    const texts = setupScripts(template.folder).map((script, index) => {
      expect(script).toContain(`\nccr_number=${index + 1}\n`);
      return script.replace(/^ccr_number=\d$/m, "").replace(/^ccr_piece='[^']+'$/m, "");
    });
    expect(texts.length).toBeGreaterThan(1);
    expect(new Set(texts).size).toBe(1);
  });

  it("offers the sessions in a terminal", () => {
    for (const slug of ["ccr", "tmux"]) {
      const app = template.resource("coder_app", slug);
      expect(app).toMatchObject({ slug, share: "owner" });
      expect(app).not.toHaveProperty("url");
      // A `${` of the shell's, not of Terraform's.
      expect(app.command.replaceAll("$${", "")).not.toContain("${");
    }
  });
});

describe("the workspace's apps", () => {
  /** Runs the command of an app as the agent does, with these programs beside the shell's own. */
  async function run(slug: string, programs: Record<string, string>): Promise<string> {
    const home = mkdtempSync(join(tmpdir(), "ccr app's "));
    try {
      const values = new TerraformValues(template.json, template.folder);
      const command = String(values.resolve(template.resource("coder_app", slug).command));
      for (const [name, script] of Object.entries({ ...programs, login: 'echo "login shell $*"' }))
        writeFileSync(join(home, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      const env = { HOME: home, PATH: `${home}:/usr/bin:/bin`, SHELL: join(home, "login") };
      const { stdout } = await execa("bash", ["-c", command], { env, extendEnv: false, cwd: home });
      return stdout;
    } finally {
      rmSync(home, { recursive: true });
    }
  }

  it("open ccr, and leave a shell behind", async () => {
    expect(await run("ccr", { ccr: "echo picker" })).toBe("picker\nlogin shell -l");
    expect(await run("ccr", {})).toBe(
      "ccr is not installed here. Check the logs of the workspace's start scripts.\nlogin shell -l",
    );
  });

  it("attach the tmux session that was used last", async () => {
    const tmux =
      'if [ "$1" = list-sessions ]; then printf "%s\\n" "100 \\$1" "300 \\$7" "200 \\$2"; else echo "$*"; fi';
    expect(await run("tmux", { tmux })).toBe("attach-session -t $7\nlogin shell -l");
    expect(await run("tmux", { tmux: "exit 1" })).toBe("No tmux session is running.\nlogin shell -l");
  });
});

describe("the template's parameters", () => {
  it("stand in HCL alone: Coder's form sees no options and no validation in JSON", () => {
    expect(template.json.data).not.toHaveProperty("coder_parameter");
    const names = [...template.file("parameters.tf").matchAll(/^data "coder_parameter" "(\w+)"/gm)];
    expect(names.map(([, name]) => name)).toEqual([
      "cpu",
      "memory",
      "home_size",
      "auto_resume",
      "dotfiles",
      "repository",
    ]);
  });

  it("take their defaults and bounds from the settings", async () => {
    const other = await Template.of({ cpu: 3, cpuMax: 7, homeSize: 33, homeSizeMax: 44 });
    const text = other.file("parameters.tf");
    other.remove();
    expect(text).toMatch(/"cpu" \{[^}]*default {6}= "3"[^}]*validation \{\s+min = 1\s+max = 7\s/);
    expect(text).toMatch(/"home_size" \{[^}]*default {6}= "33"[^}]*validation \{\s+min = 1\s+max = 44\s/);
  });

  it("say that a home never shrinks", () => {
    expect(template.file("parameters.tf")).toContain("It only grows");
  });
});

describe("the template's expressions", () => {
  it("refer to things that exist", () => {
    const known = new Set([
      ...template.addresses(),
      ...template.dataAddresses(),
      ...Object.keys(template.json.locals).map((name) => `local.${name}`),
      ...Object.keys(template.json.variable).map((name) => `var.${name}`),
      ...["cpu", "memory", "home_size", "auto_resume", "dotfiles", "repository"].map(
        (name) => `data.coder_parameter.${name}`,
      ),
    ]);
    const refs = template
      .texts()
      .flatMap(({ text }) => [...text.matchAll(/\$\{[\s\S]*?\}/g)].map(([found]) => found))
      .flatMap((expression) => [
        ...expression.matchAll(
          /\b(?:data\.\w+\.\w+|(?:local|var)\.\w+|(?:coder|kubernetes|terraform)_\w+\.\w+)/g,
        ),
      ])
      .map(([ref]) => ref);
    expect(refs.length).toBeGreaterThan(20);
    expect(refs.filter((ref) => !known.has(ref))).toEqual([]);
  });

  it("hold no undefined, which cdktf prints for some comparisons", () => {
    for (const { at, text } of template.texts()) expect(text, at).not.toMatch(/\bundefined\b|TfToken/);
  });
});

describe("what an admin may change without a new synth", () => {
  it("is a Terraform variable with a default, and never nullable", () => {
    expect(Object.keys(template.json.variable).sort()).toEqual([
      "access_mode",
      "image",
      "namespace",
      "node_base_url",
      "storage_class",
      "use_kubeconfig",
    ]);
    for (const variable of Object.values(template.json.variable))
      expect(variable).toMatchObject({ nullable: false, default: expect.anything() });
  });

  it('turns the storage class "" into the default class of the cluster', () => {
    const { storage_class_name } = template.resource("kubernetes_persistent_volume_claim_v1", "home").spec;
    expect(storage_class_name).toBe(
      '${terraform_data.home.output.storage_class == "" ? null : terraform_data.home.output.storage_class}',
    );
  });
});
