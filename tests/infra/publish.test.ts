import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { App, Testing } from "cdktf";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
    );
    const json = JSON.parse(Testing.synth(stack));
    expect(json.resource.coderd_template.template).toMatchObject({
      name: "claude",
      display_name: "$${x}",
      icon: "/icon/claude.svg",
      versions: [{ active: true, directory: expect.stringMatching(/^assets\/workspace\/[0-9A-F]{32}$/) }],
    });
    expect(json.terraform.required_providers.coderd).toEqual({ source: "coder/coderd", version: "0.0.23" });
  });

  it("asks for no attribute that needs a licence", () => {
    const stack = new Publish(new App(), "ccr", template.folder, readSettings({}));
    const { template: resource } = JSON.parse(Testing.synth(stack)).resource.coderd_template;
    expect(Object.keys(resource).sort()).toEqual(["description", "display_name", "icon", "name", "versions"]);
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
    execa(join(root, "infra/cdktf.mjs"), words, {
      cwd: root,
      env: { CODER_URL: undefined, CODER_SESSION_TOKEN: undefined, ...env },
      reject: false,
      all: true,
      timeout: 30_000,
    });

  it("is this checkout's own: npm ci has linked it", async () => {
    const { stdout } = await execa("readlink", [join(root, "node_modules/.bin/cdktf")]);
    expect(stdout).toBe("../../infra/cdktf.mjs");
  });

  it.each([
    [{}, "ccr: CODER_URL and CODER_SESSION_TOKEN are not set: "],
    [{ CODER_URL: "https://coder.example" }, "ccr: CODER_SESSION_TOKEN is not set: "],
    [{ CODER_SESSION_TOKEN: "x", CODER_URL: "" }, "ccr: CODER_URL is not set: "],
    [{ CODER_SESSION_TOKEN: "x", CODER_URL: "http://[" }, "ccr: CODER_URL is no address: "],
    [
      { CODER_SESSION_TOKEN: "x", CODER_URL: "http://127.0.0.1:1" },
      "ccr: no Coder answers at http://127.0.0.1:1 ",
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
      `ccr: Coder at ${url} refuses the token in CODER_SESSION_TOKEN: coder tokens create.`,
    );
    expect(asked).toEqual(["GET /api/v2/users/me wrong-token"]);
  });

  it("--help and --version need no Coder", async () => {
    expect((await cdktf(["--version"], {})).stdout).toContain("0.21.0");
    expect((await cdktf(["deploy", "--help"], {})).all).toContain("auto-approve");
  });
});
