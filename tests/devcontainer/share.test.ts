// Sharing with a container, as far as files of the host can tell.

import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parse } from "jsonc-parser";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { slug } from "../../helpers/claude/places.ts";
import { checkHost, type Finding } from "../../helpers/devcontainer/check.ts";
import { add, type Options, refresh, remove } from "../../helpers/devcontainer/share.ts";
import { isolatedContainers, shareFolderOf } from "../../helpers/devcontainer/share-folder.ts";
import { Changes } from "../../helpers/install/changes.ts";
import type { Problem } from "../../helpers/system/problem.ts";

let box: string;
let home: string;
let project: string;
let file: string;

const claude = (name = "") => join(home, ".claude", name);
const put = (path: string, text: string): string => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
};
const CONFIG =
  '{\n  "image": "x", // the image\n  "remoteUser": "vscode",\n  "workspaceFolder": "/workspaces/app"\n}\n';

beforeEach(() => {
  box = realpathSync(mkdtempSync(join(tmpdir(), "ccr-share-")));
  home = join(box, "home");
  project = join(home, "code/app");
  mkdirSync(join(project, ".git"), { recursive: true });
  mkdirSync(join(box, "bin"));
  file = put(join(project, ".devcontainer/devcontainer.json"), CONFIG);
  vi.stubEnv("HOME", home);
  vi.stubEnv("PATH", join(box, "bin"));
  for (const name of ["CLAUDE_CONFIG_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "TOKEN"])
    vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(box, { recursive: true, force: true });
});

const shims = () => ({ ccr: "#!/bin/sh\n" });

async function share(options: Partial<Options> = {}, host = project) {
  const changes = new Changes(false);
  const notes: Problem[] = [];
  const all = { file: null, home: null, isolate: false, env: [], ...options };
  const record = await add(host, all, changes, shims, (problem) => notes.push(problem));
  const mounts = ((parse(readFileSync(record.file, "utf8")).mounts ?? []) as (string | object)[]).filter(
    (one): one is string => typeof one === "string",
  );
  return { record, changes, notes: notes.map(({ message }) => message), mounts };
}
const unshare = (host = project) => remove(host, new Changes(false));
const place = (name = "") => join(shareFolderOf(project).path, name);
const text = () => readFileSync(file, "utf8");
const filled = (mount: string) => mount.replaceAll("${localEnv:HOME}", home);
const field = (mount: string, name: string) => new RegExp(`(?:^|,)${name}=([^,]*)`).exec(filled(mount))![1]!;
const mode = (path: string) => statSync(path).mode & 0o777;

describe("a share with a dev container", () => {
  test("has its sources before the container starts, of the right kind", async () => {
    const history = put(claude("history.jsonl"), '{"display":"kept"}\n');
    const { mounts } = await share();
    for (const mount of mounts) {
      const source = statSync(field(mount, "source"));
      expect(source.isDirectory(), mount).toBe(!mount.includes("history.jsonl"));
      // The mount point, too, lies in the container's own folder: the engine makes nothing as root.
      const target = field(mount, "target").replace("/home/vscode/.claude", place("claude"));
      expect(statSync(target).isDirectory(), target).toBe(source.isDirectory());
    }
    expect(readFileSync(history, "utf8")).toBe('{"display":"kept"}\n');
    for (const path of [place(), place("claude"), place("host"), claude("projects")])
      expect(mode(path), path).toBe(0o700);
    for (const path of [place("record.json"), place("host/settings.json"), place("claude/.claude.json")])
      expect(mode(path), path).toBe(0o600);
  });

  test("mounts the data for writing and the configuration for reading, in the string form", async () => {
    const { mounts } = await share();
    const names = (readOnly: boolean) =>
      mounts
        .filter((mount) => mount.endsWith(",readonly") === readOnly)
        .map((mount) => field(mount, "target").replace("/home/vscode/.claude", "~").replace("~/", ""));
    expect(names(false)).toEqual(
      "~ projects session-env todos tasks plans file-history paste-cache history.jsonl".split(" "),
    );
    expect(names(true)).toEqual("host ccr agents commands skills plugins".split(" "));
  });

  test("leaves out files that the CLI saves by rename, credentials and sessions/", async () => {
    put(claude(".credentials.json"), '{"claudeAiOauth":{"accessToken":"a-secret"}}');
    put(claude("settings.json"), "{}");
    put(claude("CLAUDE.md"), "Be brief.");
    put(
      join(home, ".claude.json"),
      '{"theme":"dark","oauthAccount":{"emailAddress":"a@b"},"primaryApiKey":"a-secret"}',
    );
    mkdirSync(claude("sessions"));
    const { mounts } = await share();
    for (const mount of mounts)
      expect(field(mount, "source")).not.toMatch(
        /\.claude\.json|credentials|settings\.json|CLAUDE\.md|sessions|\.claude$/,
      );
    for (const name of readdirSync(place(), { recursive: true, encoding: "utf8" })) {
      const path = place(name);
      if (lstatSync(path).isFile()) expect(readFileSync(path, "utf8"), name).not.toContain("a-secret");
    }
    expect(JSON.parse(readFileSync(place("claude/.claude.json"), "utf8"))).toEqual({
      theme: "dark",
      oauthAccount: { emailAddress: "a@b" },
    });
  });

  test("has copies of settings behind links, renewed when the host saves", async () => {
    put(claude("settings.json"), '{"a":1}');
    put(claude("CLAUDE.md"), "one");
    await share();
    expect(readlinkSync(place("claude/settings.json"))).toBe("host/settings.json");
    expect(readFileSync(place("host/settings.json"), "utf8")).toBe('{"a":1}');
    put(claude("settings.json"), '{"a":2}');
    rmSync(claude("CLAUDE.md"));
    const { path, record } = shareFolderOf(project);
    refresh({ path, record }, record!, new Changes(false), shims);
    expect(readFileSync(place("host/settings.json"), "utf8")).toBe('{"a":2}');
    expect(existsSync(place("host/CLAUDE.md"))).toBe(false);
  });

  test("trusts the project in the container only where the host trusts it", async () => {
    const trust = (yes: boolean) =>
      put(
        join(home, ".claude.json"),
        JSON.stringify({ projects: { [project]: { hasTrustDialogAccepted: yes } } }),
      );
    trust(false);
    await share();
    const first = place("claude/.claude.json");
    expect(JSON.parse(readFileSync(first, "utf8"))).toEqual({});
    rmSync(first);
    trust(true);
    await share();
    expect(JSON.parse(readFileSync(first, "utf8")).projects).toEqual({
      "/workspaces/app": { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true },
    });
  });

  test("with --isolate has nothing of the host's but ccr, and stays so", async () => {
    put(claude("settings.json"), '{"a":1}');
    for (const options of [{ isolate: true }, {}]) {
      const { mounts, record } = await share(options);
      expect(record.isolated).toBe(true);
      expect(mounts.map((mount) => field(mount, "source"))).toEqual([
        place("claude"),
        place("host"),
        join(home, ".local/lib/ccr"),
      ]);
    }
    expect(readdirSync(place("host")).sort()).toEqual(["bin", "ccr.json"]);
    expect(existsSync(claude("projects"))).toBe(false);
    expect(isolatedContainers()).toEqual([{ host: project, directory: place("claude") }]);
  });

  test("is undone by a later --isolate", async () => {
    put(claude("settings.json"), '{"a":1}');
    put(claude("CLAUDE.md"), "Be brief.");
    await share();
    const { mounts } = await share({ isolate: true });
    expect(mounts).toHaveLength(3);
    expect(readdirSync(place("host")).sort()).toEqual(["bin", "ccr.json"]);
    expect(readdirSync(place("claude"))).not.toContain("settings.json");
    expect(readdirSync(claude("projects"))).toEqual([slug(project)]);
    unshare();
    expect(text()).toBe(CONFIG);
  });

  test("names other directories, and refuses those that a mount cannot name", async () => {
    vi.stubEnv("CLAUDE_CONFIG_DIR", join(box, "elsewhere"));
    const { mounts } = await share();
    expect(mounts.join("\n")).toContain(`source=${join(box, "elsewhere/projects")},`);
    vi.stubEnv("CLAUDE_CONFIG_DIR", join(box, "with, comma"));
    await expect(share()).rejects.toMatchObject({ kind: "bad-path" });
    vi.stubEnv("CLAUDE_CONFIG_DIR", "relative");
    await expect(share()).rejects.toMatchObject({ kind: "bad-path" });
  });
});

describe("a shared devcontainer.json", () => {
  test("is the same after a second time, and byte for byte the old one after remove", async () => {
    chmodSync(file, 0o644);
    await share();
    const once = text();
    expect(once).not.toBe(CONFIG);
    const { changes } = await share();
    expect(text()).toBe(once);
    expect(changes.done.every(({ action }) => action === "unchanged")).toBe(true);
    unshare();
    expect(text()).toBe(CONFIG);
    expect(mode(file)).toBe(0o644);
    expect(existsSync(join(claude("projects"), slug("/workspaces/app")))).toBe(false);
    expect(unshare()).toBeNull();
  });

  test("keeps what others changed in it since", async () => {
    await share();
    writeFileSync(file, text().replace('"image": "x"', '"image": "y"'));
    await share({ env: ["TOKEN"] });
    expect(text()).toContain('"TOKEN": "${localEnv:TOKEN}"');
    unshare();
    expect(text()).toBe(CONFIG.replace('"image": "x"', '"image": "y"'));
  });

  test("that was brought back by other means is shared anew, and removed again", async () => {
    await share();
    writeFileSync(file, CONFIG);
    expect(unshare()).not.toBeNull();
    expect(text()).toBe(CONFIG);
    await share();
    writeFileSync(file, CONFIG);
    await share();
    expect(text()).not.toBe(CONFIG);
    unshare();
    expect(text()).toBe(CONFIG);
  });

  test("in which ccr's lines were changed is left alone", async () => {
    await share();
    const other = text().replace(",readonly", "");
    writeFileSync(file, other);
    expect(() => unshare()).toThrow("changed since");
    await expect(share()).rejects.toThrow("changed since");
    expect(text()).toBe(other);
  });

  test("with the lines of another home's ccr is left alone", async () => {
    await share();
    const other = text();
    rmSync(place(), { recursive: true });
    await expect(share()).rejects.toThrow("changed since");
    expect(text()).toBe(other);
  });

  test("comes back whole when ccr was killed before it was written", async () => {
    await share();
    writeFileSync(file, CONFIG);
    rmSync(join(claude("projects"), slug("/workspaces/app")));
    await share();
    unshare();
    expect(text()).toBe(CONFIG);
  });

  test("survives a kill before any write, of add and of remove", async () => {
    /** Stops at the n-th write, as a kill does: nothing after it happens. */
    class Killed extends Changes {
      left: number;
      constructor(left: number) {
        super(false);
        this.left = left;
      }
      override attempt(
        path: string,
        act: () => "created" | "updated" | "unchanged" | "removed" | "failed",
      ): boolean {
        if (this.left-- === 0) throw new Error("killed");
        return super.attempt(path, act);
      }
    }
    const options = { file: null, home: null, isolate: false, env: [] };
    let kills = 0;
    for (let n = 0; ; n++) {
      const done = await add(project, options, new Killed(n), shims, () => {}).catch(() => null);
      if (done) break;
      kills++;
      const seen = text();
      await share();
      expect([CONFIG, text()]).toContain(seen);
      unshare();
      expect(text()).toBe(CONFIG);
    }
    expect(kills).toBeGreaterThan(4);
    for (let n = 0; ; n++) {
      await share();
      let done = true;
      try {
        remove(project, new Killed(n));
      } catch {
        done = false;
      }
      if (!done) unshare();
      expect(text()).toBe(CONFIG);
      if (done) break;
    }
  });

  test("may be one of several files, and ccr asks which when it is not clear", async () => {
    rmSync(file);
    await expect(share()).rejects.toThrow("there is no devcontainer.json");
    const flat = put(join(project, ".devcontainer.json"), CONFIG);
    expect((await share()).record.file).toBe(flat);
    unshare();
    rmSync(flat);
    const [one, two] = ["one", "two"].map((name) =>
      put(join(project, ".devcontainer", name, "devcontainer.json"), CONFIG),
    );
    await expect(share()).rejects.toMatchObject({ kind: "ambiguous", exit: 2 });
    expect((await share({ file: two! })).record.file).toBe(two);
    await expect(share({ file: one! })).rejects.toThrow("shared already");
  });

  test("that is a link stays one; what is not UTF-8 is refused", async () => {
    const real = put(join(box, "dotfiles/devcontainer.json"), CONFIG);
    rmSync(file);
    symlinkSync(real, file);
    await share();
    expect(lstatSync(file).isSymbolicLink()).toBe(true);
    expect(readFileSync(real, "utf8")).toContain("mounts");
    unshare();
    expect(readFileSync(real, "utf8")).toBe(CONFIG);
    writeFileSync(real, Buffer.from('{"image":"\xe9"}', "latin1"));
    await expect(share()).rejects.toThrow("UTF-8");
  });

  test("hands in variables by name, never by value", async () => {
    vi.stubEnv("TOKEN", "the-value");
    await share({ env: ["TOKEN"] });
    expect(parse(text()).remoteEnv.TOKEN).toBe("${localEnv:TOKEN}");
    expect(text() + readFileSync(place("record.json"), "utf8")).not.toContain("the-value");
    await expect(share({ env: ["TOKEN=the-value"] })).rejects.toMatchObject({ kind: "usage", exit: 2 });
    const { notes } = await share({ env: ["NOT_SET"] });
    expect(notes).toContain("NOT_SET is not set here");
    expect(parse(text()).remoteEnv).toMatchObject({
      TOKEN: "${localEnv:TOKEN}",
      NOT_SET: "${localEnv:NOT_SET}",
    });
  });
});

describe("a compose set-up", () => {
  const COMPOSE =
    '{\n  "dockerComposeFile": "docker-compose.yml",\n  "service": "app",\n  "remoteUser": "dev", "workspaceFolder": "/src"\n}\n';

  test("gets a file that says read-only in compose's own words", async () => {
    writeFileSync(file, COMPOSE);
    const { mounts, record } = await share();
    expect(mounts).toEqual([]);
    expect(parse(text()).dockerComposeFile).toEqual(["docker-compose.yml", "docker-compose.ccr.yml"]);
    const override = readFileSync(join(dirname(file), "docker-compose.ccr.yml"), "utf8");
    expect(override.startsWith("# ")).toBe(true);
    const { app } = JSON.parse(override.split("\n").slice(1).join("\n")).services;
    expect(app.environment).toEqual({ CLAUDE_CONFIG_DIR: "/home/dev/.claude" });
    expect(app.volumes).toContainEqual({
      type: "bind",
      source: "${HOME}/.claude/agents",
      target: "/home/dev/.claude/agents",
      read_only: true,
    });
    expect(app.volumes).toContainEqual(
      expect.objectContaining({ source: "${HOME}/.claude/projects", read_only: false }),
    );
    expect(record.override?.text).toBe(override);
    await share();
    unshare();
    expect(text()).toBe(COMPOSE);
    expect(readdirSync(dirname(file))).toEqual(["devcontainer.json"]);
  });

  test("without a service is refused", async () => {
    writeFileSync(file, '{ "dockerComposeFile": "a.yml", "workspaceFolder": "/src" }');
    await expect(share()).rejects.toThrow('no "service"');
  });
});

describe("finding the home and the folder in the container:", () => {
  test.each([
    ['"remoteUser": "node"', "/home/node/.claude"],
    ['"remoteUser": "root"', "/root/.claude"],
    ['"containerUser": "dev"', "/home/dev/.claude"],
    ['"image": "mcr.microsoft.com/devcontainers/typescript-node:22"', "/home/node/.claude"],
    ['"image": "mcr.microsoft.com/devcontainers/base:debian"', "/home/vscode/.claude"],
    ['"image": "debian:12"', "/root/.claude"],
    ['"containerEnv": { "CLAUDE_CONFIG_DIR": "/data/claude" }', "/data/claude"],
  ])("%s: %s", async (line, target) => {
    writeFileSync(file, `{ ${line}, "workspaceFolder": "/w" }`);
    const { record, notes } = await share();
    expect(record.target).toBe(target);
    expect(notes.some((note) => note.includes("home in the container"))).toBe(line.includes("debian:12"));
    const set = parse(text()).containerEnv.CLAUDE_CONFIG_DIR;
    expect(set).toBe(target);
  });

  test("--home names a home that nothing else names", async () => {
    writeFileSync(file, '{ "image": "mine", "workspaceFolder": "/w" }');
    expect((await share({ home: "/srv/me/" })).record.target).toBe("/srv/me/.claude");
    await expect(share({ home: "me" })).rejects.toMatchObject({ exit: 2 });
  });

  test.each([
    ["/w/${localWorkspaceFolderBasename}", "/w/app"],
    ["${localWorkspaceFolder}", null],
    ["/w/${localEnv:NOPE:x}/", "/w/x"],
  ])("workspaceFolder %s", async (folder, path) => {
    writeFileSync(file, JSON.stringify({ image: "x", remoteUser: "a", workspaceFolder: folder }));
    expect((await share()).record.container).toBe(path ?? project);
  });

  test("asks the devcontainer program without workspaceFolder", async () => {
    writeFileSync(file, '{ "image": "x", "remoteUser": "a" }');
    const said = JSON.stringify({ workspace: { workspaceFolder: "/somewhere/else" } });
    put(join(box, "bin/devcontainer"), `#!/bin/sh\necho '${said}'\n`);
    chmodSync(join(box, "bin/devcontainer"), 0o755);
    expect((await share()).record.container).toBe("/somewhere/else");
  });

  test("else follows the rule of the tools, and says so: they mount the root of the repository", async () => {
    writeFileSync(file, '{ "image": "x", "remoteUser": "a" }');
    const { record, notes } = await share();
    expect(record.container).toBe("/workspaces/app");
    expect(notes).toEqual(["assuming that the project's folder in the container is /workspaces/app"]);
    const below = join(project, "packages/web");
    put(join(below, ".devcontainer/devcontainer.json"), '{ "image": "x", "remoteUser": "a" }');
    expect((await share({}, below)).record.container).toBe("/workspaces/app/packages/web");
  });
});

describe("the histories of host and container", () => {
  const ID = "11111111-1111-4111-8111-111111111111";
  const inContainer = (name: string) => join(claude("projects"), slug("/workspaces/app"), name);
  const onHost = (name: string) => join(claude("projects"), slug(project), name);
  const old = (path: string) => utimesSync(path, new Date(0), new Date(0));

  test("are one: the container's folder is a link that means the same on both sides", async () => {
    await share();
    expect(readlinkSync(inContainer("").replace(/\/$/, ""))).toBe(slug(project));
    await share();
  });

  test("keep what the container had before", async () => {
    old(put(inContainer(`${ID}.jsonl`), "inside\n"));
    old(put(inContainer(`${ID}/tool-results/a.txt`), "a"));
    old(put(inContainer("memory/one.md"), "1"));
    old(put(inContainer("memory/same.md"), "same"));
    put(onHost("memory/two.md"), "2");
    put(onHost("memory/same.md"), "same");
    const { notes } = await share();
    expect(notes.join()).toContain("now in the host's");
    expect(readFileSync(onHost(`${ID}.jsonl`), "utf8")).toBe("inside\n");
    expect(readFileSync(onHost(`${ID}/tool-results/a.txt`), "utf8")).toBe("a");
    expect(readdirSync(onHost("memory")).sort()).toEqual(["one.md", "same.md", "two.md"]);
    expect(lstatSync(inContainer("").replace(/\/$/, "")).isSymbolicLink()).toBe(true);
  });

  test("are not merged where both have a name, or a file is in use", async () => {
    old(put(inContainer(`${ID}.jsonl`), "inside\n"));
    old(put(inContainer("memory/one.md"), "1"));
    put(onHost(`${ID}.jsonl`), "outside\n");
    await expect(share()).rejects.toThrow("they differ");
    expect(readFileSync(inContainer(`${ID}.jsonl`), "utf8")).toBe("inside\n");
    expect(readFileSync(inContainer("memory/one.md"), "utf8")).toBe("1");
    rmSync(onHost(`${ID}.jsonl`));
    writeFileSync(inContainer(`${ID}.jsonl`), "being written\n");
    await expect(share()).rejects.toMatchObject({ kind: "busy" });
    old(inContainer(`${ID}.jsonl`));
    await share();
    expect(readFileSync(onHost(`${ID}.jsonl`), "utf8")).toBe("being written\n");
    unshare();
    expect(text()).toBe(CONFIG);
  });

  test("are not mixed for two projects with the same folder in their containers", async () => {
    await share();
    const other = join(home, "old/app");
    put(join(other, ".devcontainer/devcontainer.json"), CONFIG);
    await expect(share({}, other)).rejects.toMatchObject({ kind: "link-taken" });
    expect(readlinkSync(inContainer("").replace(/\/$/, ""))).toBe(slug(project));
    unshare(other);
    expect(readlinkSync(inContainer("").replace(/\/$/, ""))).toBe(slug(project));
  });

  test("have a place each for two projects whose folders have the same name", async () => {
    const [a, b] = ["a_b", "a-b"].map((name) => join(home, name)) as [string, string];
    for (const [i, path] of [a, b].entries())
      put(
        join(path, ".devcontainer/devcontainer.json"),
        `{ "remoteUser": "u", "workspaceFolder": "/w/${i}" }`,
      );
    await share({}, a);
    await share({}, b);
    expect(shareFolderOf(a).record?.host).toBe(a);
    expect(shareFolderOf(b).record?.host).toBe(b);
    expect(shareFolderOf(a).path).not.toBe(shareFolderOf(b).path);
  });
});

describe("ccr devcontainer check on the host", () => {
  const wrong = (): Finding[] => checkHost(project).findings.filter(({ state }) => state !== "ok");
  const program = () => put(join(home, ".local/lib/ccr/ccr.cjs"), "//");

  test("says what to type where nothing is shared", () => {
    expect(wrong()).toEqual([
      expect.objectContaining({ what: "shared", state: "wrong", fix: `ccr devcontainer add ${project}` }),
    ]);
  });

  test("finds nothing wrong right after add", async () => {
    program();
    await share();
    expect(wrong()).toEqual([]);
  });

  test.each<[string, string, () => void]>([
    ["shared", "lines that are gone", () => writeFileSync(file, CONFIG)],
    ["shared", "a file that is gone", () => rmSync(file)],
    ["sources", "a source that is gone", () => rmSync(claude("todos"), { recursive: true })],
    [
      "sources",
      "a file that became a folder",
      () => {
        rmSync(claude("history.jsonl"));
        mkdirSync(claude("history.jsonl"));
      },
    ],
    ["modes", "a folder that is closed", () => chmodSync(claude("projects"), 0o500)],
    ["history", "no link", () => rmSync(join(claude("projects"), slug("/workspaces/app")))],
    ["copies", "settings that changed", () => put(claude("settings.json"), '{"new":1}')],
    [
      "own",
      "a settings file of the container's own",
      () => {
        rmSync(place("claude/settings.json"));
        writeFileSync(place("claude/settings.json"), "{}");
      },
    ],
    ["helper", "no ccr", () => rmSync(join(home, ".local/lib/ccr/ccr.cjs"))],
  ])("%s: %s, with the command that fixes it", async (what, _, damage) => {
    program();
    await share();
    damage();
    const found = wrong();
    expect(found.map((one) => one.what)).toContain(what);
    for (const { fix } of found) expect(fix).toMatch(/\w/);
    chmodSync(claude("projects"), 0o700);
  });

  test("warns of a person's own mounts that lead into a trap", async () => {
    writeFileSync(
      file,
      JSON.stringify({
        remoteUser: "a",
        workspaceFolder: "/w",
        mounts: [
          "source=${localEnv:HOME}/.claude.json,target=/home/a/.claude.json,type=bind",
          { source: "/x/agents", target: "/y", type: "bind", readonly: true },
          "type=bind,src=${localEnv:HOME}/.claude,dst=/home/a/.claude",
        ],
      }),
    );
    const traps = wrong().filter(({ what }) => what === "trap");
    expect(traps.map(({ message }) => message)).toEqual([
      expect.stringContaining(".claude.json: mounted as a file"),
      expect.stringMatching("/x/agents.*not read-only"),
      expect.stringContaining("get mixed up"),
    ]);
  });
});
