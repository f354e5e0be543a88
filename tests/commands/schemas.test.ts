// Every command's JSON is what docs/schemas says, and the schemas are what the contract says.

import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COMMANDS } from "../../helpers/command-table.ts";
import { fixtures, makeHome, root } from "../support/home.ts";
import { type LimitedHome, limitedHome } from "../support/limited-home.ts";
import { ccr } from "../support/program.ts";

type Schema = {
  $ref?: string;
  $id?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  oneOf?: Schema[];
  required?: string[];
  additionalProperties?: boolean;
  $defs?: Record<string, Schema>;
  enum?: unknown[];
  const?: unknown;
};

const folder = join(root, "docs/schemas");
const schemas = Object.fromEntries(
  readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name): [string, Schema] => [
      name.slice(0, -5),
      JSON.parse(readFileSync(join(folder, name), "utf8")),
    ]),
);

/** A schema that allows nothing but what it names: the files themselves must allow fields of later versions. */
function strict(schema: Schema): Schema {
  const copy: Schema = { ...schema };
  if (copy.properties) {
    copy.properties = Object.fromEntries(
      Object.entries(copy.properties).map(([key, value]) => [key, strict(value)]),
    );
    copy.additionalProperties = false;
  }
  if (copy.items) copy.items = strict(copy.items);
  if (copy.oneOf) copy.oneOf = copy.oneOf.map(strict);
  if (copy.$defs)
    copy.$defs = Object.fromEntries(Object.entries(copy.$defs).map(([key, value]) => [key, strict(value)]));
  return copy;
}

const ajv = new Ajv2020({
  allErrors: true,
  strict: true,
  allowUnionTypes: true,
  formats: { "date-time": true },
});
for (const schema of Object.values(schemas)) ajv.addSchema(strict(schema));

function expectValid(name: string, value: unknown): void {
  const validate = ajv.getSchema(`${name}.json`);
  expect(validate, `docs/schemas/${name}.json`).toBeDefined();
  validate!(value);
  expect(validate!.errors ?? [], name).toEqual([]);
}

// ---- the contract of docs/schemas/, written again by hand

const SESSION = `id title titleFrom project cwd gitBranch transcript createdAt updatedAt version entrypoint bytes state damaged
  blockedBy limit:(window resetsAt resetFrom rowUuid at) live:(pid kind status waitingFor tmux here) deletedAfter`;
const TOKENS = "(input output cacheCreation cacheRead)";
const SUMS = `sessions messages tokens:${TOKENS} bytes activeDays`;
const PLAN = "plan:(id action reason notBefore) results:(id outcome detail log tmux)";
const CONTRACT: Record<string, string> = {
  list: `sessions:(${SESSION})`,
  find: `query sessions:(${SESSION} hits matches:(at role snippet)) searched:(files bytes)`,
  current: `session:(${SESSION}) rule`,
  "check-limits": `sessions:(${SESSION}) blocked:(${SESSION}) windows:(window usedPercent resetsAt source at)`,
  "resume-all": PLAN,
  ps: `sessions:(${SESSION} name windows clients memoryBytes startedAt restart)`,
  stats: `totals:(${SUMS}) by:(key ${SUMS}) oldestDeletedAfter`,
};
/** Fields that were added to it since, by their paths. */
const ADDED = [
  "doing",
  "skipped",
  "subagents",
  "subagents.messages",
  "subagents.tokens",
  "groupedBy",
  "since",
];
const SETS: Record<string, string> = {
  "list sessions.titleFrom": "custom ai summary prompt none",
  "list sessions.state": "live waiting ready blocked idle gone",
  "list sessions.blockedBy": "spend-limit credits login payment overloaded other-api-error null",
  "list sessions.limit.resetFrom": "apiErrorParams quotaLimits epoch clock-text null",
  "current rule": "environment tmux registry directory newest",
  "check-limits windows.source": "statusline estimate",
  "resume-all plan.action": "resume skip",
  "resume-all results.outcome":
    "continued limited-again needs-login waiting-for-permission trust-dialog failed started",
};

/** Paths of all fields of "a b:(c d)": a, b, b.c, b.d. */
function paths(text: string): string[] {
  const found: string[] = [];
  const within: string[] = [];
  let last = "";
  for (const [token] of text.matchAll(/[A-Za-z]+|[()]/g)) {
    if (token === "(") within.push(last);
    else if (token === ")") within.pop();
    else {
      last = token;
      found.push([...within, token].join("."));
    }
  }
  return found;
}

function resolve(schema: Schema): Schema {
  if (schema.oneOf) return resolve(schema.oneOf.find((one) => one.properties ?? one.$ref) ?? {});
  if (schema.items) return resolve(schema.items);
  const [, name] = /^common\.json#\/\$defs\/(\w+)$/.exec(schema.$ref ?? "") ?? [];
  return name ? resolve(schemas.common!.$defs![name]!) : schema;
}

function fields(schema: Schema, before = ""): string[] {
  const { properties = {} } = resolve(schema);
  return Object.entries(properties).flatMap(([key, value]) => [
    before + key,
    ...fields(value, `${before}${key}.`),
  ]);
}

describe("the JSON schemas", () => {
  test.each(Object.entries(CONTRACT))(
    "%s has the fields of the contract, and what was added to it",
    (name, contract) => {
      const envelope = /^(?:schema|generatedAt|warnings(?:\.(?:kind|message|hint))?)$/;
      const added = (path: string): boolean =>
        ADDED.some(
          (field) => path === field || path.endsWith(`.${field}`) || path.includes(`${field}.tokens.`),
        );
      const own = fields(schemas[name]!).filter((path) => !envelope.test(path));
      expect(own.filter((path) => !added(path)).sort()).toEqual(paths(contract).sort());
    },
  );

  test("give every answer its version, its time and warnings", () => {
    for (const [name, schema] of Object.entries(schemas)) {
      if (name === "common" || name === "error") continue;
      expect(schema.properties!.schema!.const).toBe(`ccr/${name}@1`);
      expect(fields(schema)).toEqual(
        expect.arrayContaining(["generatedAt", "warnings.kind", "warnings.message", "warnings.hint"]),
      );
    }
    expect(fields(schemas.error!)).toEqual(["schema", "error", "error.kind", "error.message", "error.hint"]);
  });

  test("have the closed sets of values of the contract", () => {
    for (const [place, words] of Object.entries(SETS)) {
      const [name, path] = place.split(" ");
      let schema = schemas[name!]!;
      for (const key of path!.split(".")) schema = resolve(schema).properties![key]!;
      expect(schema.enum!.map(String), place).toEqual(words.split(" "));
    }
  });

  test("require every field: an unknown value is null", () => {
    const check = (schema: Schema): void => {
      if (schema.properties) expect(schema.required).toEqual(Object.keys(schema.properties));
      for (const inner of [
        ...Object.values(schema.properties ?? {}),
        ...(schema.oneOf ?? []),
        ...Object.values(schema.$defs ?? {}),
      ])
        check(inner);
      if (schema.items) check(schema.items);
    };
    for (const schema of Object.values(schemas)) check(schema);
  });
});

// ---- what the commands print

describe("the output of --json", () => {
  let home: LimitedHome;
  beforeAll(async () => {
    home = limitedHome();
    cpSync(join(fixtures, "claude/home/.claude"), join(home.path, ".claude"), { recursive: true });
    home.limited({ resetsAt: Date.now() + 3_600_000, project: "waiting" });
    home.limited({ resetsAt: Date.now() - 3_600_000, project: "ready" });
    mkdirSync(join(home.path, ".claude/sessions"), { recursive: true });
    const live = { pid: process.pid, sessionId: "dddddddd-1111-4111-8111-111111111111", status: "busy" };
    writeFileSync(join(home.path, `.claude/sessions/${process.pid}.json`), JSON.stringify(live));
    const recordings = join(home.path, ".local/state/ccr/recordings", live.sessionId);
    mkdirSync(recordings, { recursive: true });
    const head = { version: 2, width: 80, height: 24, timestamp: 1_700_000_000 };
    writeFileSync(
      join(recordings, "2026-11-20T18-00-00-000Z.0.cast"),
      `${JSON.stringify(head)}\n[0.5, "o", "hello"]\n`,
    );
  }, 120_000);
  afterAll(async () => {
    await home.remove();
  });

  const CALLS: Record<string, readonly (readonly string[])[]> = {
    list: [
      ["list", "500"],
      ["list", "--all"],
      ["list", "--limited"],
      ["list", "--project", "nowhere"],
    ],
    find: [
      ["find", "mock"],
      ["find", "hello", "--prompts"],
      ["find", "nothing-has-this-word"],
      ["find", "hello", "--recordings"],
    ],
    current: [["current"]],
    stats: [
      ["stats"],
      ["stats", "--by", "project"],
      ["stats", "--by", "model"],
      ["stats", "--since", "1d", "--here"],
    ],
    "check-limits": [["check-limits"], ["check-limits", "--all"]],
    "resume-all": [
      ["resume-all", "--dry-run"],
      ["resume-all", "--headless"],
    ],
    export: [["export", "--all", "./all.tar.gz", "--force"]],
    import: [
      ["import", join(fixtures, "archive/session-1.tar.gz"), "--missing-ok", "--dry-run"],
      ["import", join(fixtures, "archive/session-1.tar.gz"), "--missing-ok"],
    ],
    restore: [["restore", "--dry-run"], ["restore"]],
    template: [
      ["template", "new", "web"],
      ["template", "list"],
    ],
    ps: [["ps"], ["ps", "--here"]],
    archive: [
      ["archive", "--older-than", "1d", "--to", "./archives"],
      ["archive", "--all", "--dry-run"],
    ],
    keep: [
      ["keep", "--all"],
      ["keep", "--days", "3650"],
    ],
    supervise: [["supervise", "--status"], ["supervise"]],
    fork: [
      ["fork", "99999999", "--list"],
      ["fork", "99999999"],
    ],
    remote: [["remote", "list"]],
    logs: [
      ["logs", "99999999"],
      ["logs", "99999999", "-n", "0"],
    ],
    replay: [["replay", "dddddddd"]],
    rerun: [["rerun", "99999999", "--dry-run"]],
    board: [["board"], ["board", "0"], ["board", "500", "--on", "here"]],
    snapshot: [["snapshot", "99999999"]],
    snapshots: [["snapshots"], ["snapshots", "99999999"]],
    rollback: [],
    devcontainer: [
      ["devcontainer", "check"],
      ["devcontainer", "remove"],
    ],
    todos: [["todos"], ["todos", "--open"]],
    clean: [["clean"], ["clean", "--older-than", "1d"]],
    doctor: [["doctor"]],
    sync: [["sync", ".", "--dry-run"]],
    config: [["config", "list"]],
    install: [["install", "--dry-run"]],
    uninstall: [["uninstall", "--dry-run"]],
  };

  test("is tested for each command that offers --json", async () => {
    const offered: string[] = [];
    for (const command of COMMANDS) if ((await command.load()).json) offered.push(command.name);
    expect(Object.keys(CALLS)).toEqual(expect.arrayContaining(offered));
    expect(Object.keys(schemas)).toEqual(expect.arrayContaining(offered));
  });

  const calls = Object.entries(CALLS).flatMap(([name, list]) =>
    list.map((words): [string, string, readonly string[]] => [words.join(" "), name, words]),
  );
  test.each(calls)("fits its schema: ccr %s --json", async (_, name, words) => {
    const { out, status, err } = await ccr(home, [...words, "--json"]);
    expect([0, 1, 3], err).toContain(status);
    expectValid(name, JSON.parse(out));
    if (name !== "config") expect(out).not.toMatch(/\btoken["']?\s*:/i);
  });

  test("fits its schema in a home without sessions, and without Claude's directory", async () => {
    const empty = makeHome();
    try {
      for (const [name, [words]] of Object.entries(CALLS)) {
        if (!words) continue;
        const { out, err } = await ccr(empty, [...words, "--json"]);
        // A command that needs a session has none to speak of.
        if (out === "") expectValid("error", JSON.parse(err));
        else expectValid(name, JSON.parse(out));
      }
    } finally {
      await empty.remove();
    }
  });

  test("is tested with sessions in all states: live, waiting, ready, blocked, idle, gone", async () => {
    const { out } = await ccr(home, ["list", "--all", "--json"]);
    const states = new Set(JSON.parse(out).sessions.map(({ state }: { state: string }) => state));
    expect([...states]).toEqual(
      expect.arrayContaining(["live", "waiting", "ready", "blocked", "idle", "gone"]),
    );
  });

  test("reports errors as an object on stderr", async () => {
    for (const words of [
      ["list", "--nonsense"],
      ["list", "x"],
      ["stats", "--by", "hour"],
      ["find"],
      ["stats", "--json", "--csv"],
    ]) {
      const { out, err, status } = await ccr(home, [...words, "--json"]);
      expect([out, status]).toEqual(["", 2]);
      expectValid("error", JSON.parse(err));
    }
  });
});
