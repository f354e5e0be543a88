import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  deleteEntry,
  type Entry,
  entries,
  entryOf,
  lifeOf,
  markStopped,
  updateEntry,
  writeEntry,
} from "../../helpers/live/journal.ts";
import { containerStart, domain } from "../../helpers/system/pid-domain.ts";

const ID = "aaaaaaaa-1111-4111-8111-111111111111";
const OTHER = "bbbbbbbb-1111-4111-8111-111111111111";
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ccr-journal-"));
  vi.stubEnv("XDG_STATE_HOME", folder);
  for (const name of ["REMOTE_CONTAINERS", "DEVCONTAINER", "CODESPACES", "CCR_DEVCONTAINER"])
    vi.stubEnv(name, undefined);
  vi.stubEnv("CODER_WORKSPACE_ID", undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const file = (id: string) => join(folder, "ccr/live", `${id}.json`);
const launch = (more: Partial<Entry> = {}): Entry =>
  writeEntry({ name: "claude-app", id: ID, project: "/home/coder/app", ...more });

describe("the journal of live sessions", () => {
  it("keeps a session in a file of its own that only its owner reads", () => {
    const windows = [{ name: "dev", directory: "/home/coder/app", command: ["npm", "start"] }];
    const entry = launch({ windows, model: "sonnet", restart: "on-failure", memory: 2 ** 30 });
    expect(entryOf(ID)).toEqual(entry);
    expect(entry).toMatchObject({ windows, model: "sonnet", current: ID, domain: domain(), stoppedAt: null });
    expect(statSync(file(ID)).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, "ccr/live")).mode & 0o777).toBe(0o700);
  });

  it("updates entries, and creates none for an unknown session", () => {
    launch();
    updateEntry(ID, { current: OTHER });
    markStopped(ID);
    markStopped(OTHER);
    expect(entryOf(ID)).toMatchObject({ current: OTHER, stoppedAt: expect.any(Number) });
    expect(readdirSync(join(folder, "ccr/live"))).toEqual([`${ID}.json`]);
    deleteEntry(ID);
    deleteEntry(ID);
    expect(entries()).toEqual([]);
  });

  it("lists the oldest first and leaves what it cannot read where it is", () => {
    launch({ createdAt: 2000 });
    launch({ id: OTHER, createdAt: 1000 });
    const odd = {
      "cccccccc-1111-4111-8111-111111111111": '{"id":"cccccccc-1111-4111-8111-111111111111","na',
      "dddddddd-1111-4111-8111-111111111111": "null",
      "eeeeeeee-1111-4111-8111-111111111111":
        '{"id":"eeeeeeee-1111-4111-8111-111111111111","name":{},"project":7}',
      "ffffffff-1111-4111-8111-111111111111":
        '{"id":"ffffffff-1111-4111-8111-111111111111","name":"x","project":"/","windows":"all"}',
      "../../evil": "",
    };
    for (const [id, text] of Object.entries(odd)) if (!id.includes("/")) writeFileSync(file(id), text);
    writeFileSync(join(folder, "ccr/live/notes.txt"), "mine");
    mkdirSync(file("99999999-1111-4111-8111-111111111111"));
    expect(entries().map(({ id }) => id)).toEqual([OTHER, ID]);
    expect(readdirSync(join(folder, "ccr/live"))).toHaveLength(8);
    expect(entryOf("../../evil")).toBeNull();
  });

  it("fills in what an older version did not write", () => {
    launch();
    const { id, name, project, createdAt } = JSON.parse(readFileSync(file(ID), "utf8"));
    writeFileSync(file(ID), JSON.stringify({ id, name, project, createdAt }));
    expect(entryOf(ID)).toMatchObject({ restart: "no", windows: [], current: ID, stoppedAt: null });
  });
});

describe("the owner of a journal entry", () => {
  const born = containerStart();
  const earlier = { domain: "another boot pid:[1]", changedAt: (born ?? Date.now()) - 60_000 };

  it("is this life's where boot and pid namespace are ours", () => {
    expect(lifeOf(launch())).toBe("here");
  });

  it("is of the life before a restart: same machine, written before its first process", () => {
    expect(lifeOf({ ...launch(), ...earlier })).toBe("before");
  });

  it("is of another one, where it may run, when written while this one was up", () => {
    if (born === null) throw new Error("the start of process 1 cannot be read: /proc is missing");
    expect(lifeOf({ ...launch(), ...earlier, changedAt: Date.now() })).toBe("elsewhere");
  });

  it("is of another machine by its name, unless it is the same workspace", () => {
    const other = { ...launch(), ...earlier, host: `not-${hostname()}`, workspace: "5b0d main" };
    expect(lifeOf(other)).toBe("elsewhere");
    vi.stubEnv("CODER_WORKSPACE_ID", "5b0d");
    vi.stubEnv("CODER_WORKSPACE_AGENT_NAME", "main");
    expect(lifeOf(other)).toBe("before");
    expect(lifeOf({ ...other, workspace: "5b0d other" })).toBe("elsewhere");
  });

  it("is never of a life before in a container that shares its home", () => {
    vi.stubEnv("DEVCONTAINER", "1");
    expect(lifeOf({ ...launch(), ...earlier })).toBe("elsewhere");
  });
});
