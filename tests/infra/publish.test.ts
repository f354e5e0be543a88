import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, Testing } from "cdktf";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gitMessage } from "../../infra/git.ts";
import { readSettings } from "../../infra/settings.ts";
import { Publish } from "../../infra/stacks/publish.ts";
import { root } from "../support/home.ts";
import { Template } from "../support/template.ts";

let template: Template;
beforeAll(async () => {
  template = await Template.of();
});
afterAll(() => template.remove());

describe("the publisher", () => {
  it("publishes the folder as the active version, without a path of this machine", () => {
    const stack = new Publish(
      new App(),
      "ccr",
      template.folder,
      readSettings({ name: "claude", displayName: "${x}" }),
      "0123abc Say ${this}",
    );
    const json = JSON.parse(Testing.synth(stack));
    expect(json.resource.coderd_template.template).toMatchObject({
      name: "claude",
      display_name: "$${x}",
      icon: "/icon/claude.svg",
      versions: [
        {
          active: true,
          directory: expect.stringMatching(/^assets\/workspace\/[0-9A-F]{32}$/),
          name: expect.stringMatching(/^[0-9a-f]{12}$/),
          message: "0123abc Say $${this}",
        },
      ],
      lifecycle: { prevent_destroy: true },
    });
    const [version] = json.resource.coderd_template.template.versions;
    expect(version.directory.toLowerCase()).toContain(version.name);
    expect(json.terraform.required_providers.coderd).toEqual({ source: "coder/coderd", version: "0.0.23" });
  });

  const synth = (given: Record<string, unknown>) =>
    JSON.parse(Testing.synth(new Publish(new App(), "ccr", template.folder, readSettings(given), "")));

  it("asks for no attribute that needs a licence, unless told so", () => {
    const { template: resource } = synth({}).resource.coderd_template;
    expect(Object.keys(resource).sort()).toEqual([
      "activity_bump_ms",
      "default_ttl_ms",
      "description",
      "display_name",
      "icon",
      "lifecycle",
      "name",
      "versions",
    ]);
    expect(resource.versions[0]).not.toHaveProperty("message");
    expect(synth({ requireActiveVersion: true }).resource.coderd_template.template).toMatchObject({
      require_active_version: true,
    });
  });

  it("does what its settings say", () => {
    const { template: resource } = synth({
      ttlHours: 8,
      activityBumpHours: 2,
      organization: "0b7a8ae1-8a4c-4a4e-9a6a-6d2b9d1c7c11",
      versionName: "2026.11",
      activate: false,
      protect: false,
      description: "a ${b}",
      icon: "/emojis/1f4be.png",
    }).resource.coderd_template;
    expect(resource).toMatchObject({
      default_ttl_ms: 28_800_000,
      activity_bump_ms: 7_200_000,
      organization_id: "0b7a8ae1-8a4c-4a4e-9a6a-6d2b9d1c7c11",
      description: "a $${b}",
      icon: "/emojis/1f4be.png",
      versions: [{ name: "2026.11", active: false }],
    });
    expect(resource).not.toHaveProperty("lifecycle");
  });

  it.each([
    ["s3", { bucket: "b", key: "ccr.tfstate", region: "eu-west-1" }],
    ["gcs", { bucket: "b", prefix: "ccr" }],
    ["azurerm", { storage_account_name: "a", container_name: "c", key: "ccr.tfstate" }],
    ["pg", { schema_name: "ccr" }],
    ["http", { address: "https://state.example.com/ccr" }],
    ["kubernetes", { secret_suffix: "ccr", namespace: "coder" }],
  ])("keeps its state in %s when told so", (type, settings) => {
    const { backend } = synth({ backend: { type, ...settings } }).terraform;
    expect(backend).toEqual({ [type]: settings });
  });

  it("keeps its state beside cdktf.json otherwise", () => {
    // cdktf's own; a test's stack has none unless one was asked for.
    expect(synth({}).terraform.backend ?? { local: {} }).toHaveProperty("local");
  });
});

describe("the message of a version", () => {
  const folder = mkdtempSync(join(tmpdir(), "ccr-git-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const git = (...words: string[]) =>
    execa("git", ["-C", folder, "-c", "user.name=a", "-c", "user.email=a@example.com", ...words]);

  it("is the last commit on one line, and nothing without git", async () => {
    expect(gitMessage(join(folder, "gone"))).toBe("");
    await git("init", "-q");
    expect(gitMessage(folder)).toBe("");
    await git(
      "commit",
      "-q",
      "--allow-empty",
      "-m",
      `Say \u001b[31m${"${x} "}\u202e${"long ".repeat(100)}\n\nmore`,
    );
    expect(gitMessage(folder)).toMatch(/^[0-9a-f]{7,} Say +\[31m\$\{x\} {2}?long long/);
    expect(gitMessage(folder).length).toBeLessThanOrEqual(200);
    expect(gitMessage(folder)).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});

describe("npx cdktf", () => {
  let server: Server;
  let url: string;
  const asked: string[] = [];
  beforeAll(async () => {
    server = createServer((request, answer) => {
      asked.push(`${request.method} ${request.url} ${request.headers["coder-session-token"]}`);
      answer.writeHead(401).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const cdktf = (words: string[], env: Record<string, string | undefined>) =>
    execa(join(root, "infra/tools/cdktf.mjs"), words, {
      cwd: root,
      env: { CODER_URL: undefined, CODER_SESSION_TOKEN: undefined, ...env },
      reject: false,
      all: true,
      timeout: 30_000,
    });

  it("is this checkout's own: npm ci has linked it", async () => {
    const { stdout } = await execa("readlink", [join(root, "node_modules/.bin/cdktf")]);
    expect(stdout).toBe("../../infra/tools/cdktf.mjs");
  });

  it.each([
    [{}, "ccr: CODER_URL and CODER_SESSION_TOKEN are not set: "],
    [{ CODER_URL: "https://coder.example" }, "ccr: CODER_SESSION_TOKEN is not set: "],
    [{ CODER_SESSION_TOKEN: "x", CODER_URL: "" }, "ccr: CODER_URL is not set: "],
    [{ CODER_SESSION_TOKEN: "x", CODER_URL: "http://[" }, "ccr: CODER_URL is not a valid URL: "],
    [
      { CODER_SESSION_TOKEN: "x", CODER_URL: "http://127.0.0.1:1" },
      "ccr: cannot connect to Coder at http://127.0.0.1:1 ",
    ],
  ])("deploy with %j says in one line what is missing", async (env, line) => {
    const result = await cdktf(["deploy", "--auto-approve"], env);
    expect(result.all).toMatch(/^[^\n]+$/);
    expect(result.all!.startsWith(line), result.all).toBe(true);
    expect(result.exitCode).toBe(1);
  });

  it("deploy with a token that Coder refuses says so, and shows the token to nobody else", async () => {
    const result = await cdktf(["deploy"], { CODER_URL: url, CODER_SESSION_TOKEN: "wrong-token" });
    expect(result.all).toBe(
      `ccr: Coder at ${url} rejects the token in CODER_SESSION_TOKEN. Create a new one: coder tokens create`,
    );
    expect(asked).toEqual(["GET /api/v2/users/me wrong-token"]);
  });

  it("--help and --version need no Coder", async () => {
    expect((await cdktf(["--version"], {})).stdout).toContain("0.21.0");
    expect((await cdktf(["deploy", "--help"], {})).all).toContain("auto-approve");
  });
});
