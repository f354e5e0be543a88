#!/usr/bin/env node
// Deterministic generator of a synthetic Claude Code data directory for tests and benchmarks.
// Same flags and same Node major => same bytes (own PRNG; no clock, locale or environment is read).
//
//   node gen-sessions.mjs --out DIR [--sessions 1000] [--total 1G] [--seed 1] ...
//
// Layout:  DIR/history.jsonl
//          DIR/projects/<slug>/<session-uuid>.jsonl      (mtime = last record's timestamp)
//          DIR/projects/<slug>/[<session-uuid>/subagents/]agent-<8 hex>.jsonl   (sub-agent side chains)
//          DIR/manifest.json                             (ground truth: never read by the tool under test)
import { closeSync, existsSync, mkdirSync, openSync, utimesSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const HELP = `usage: gen-sessions.mjs --out DIR [options]
  --out DIR         directory to create (must not exist yet)
  --seed N          seed of everything (default 1)
  --sessions N      number of sessions (default 1000)
  --prompts N       history lines per session (default 20)
  --projects N      number of project directories (default 40)
  --median BYTES    median transcript size, K/M/G suffixes allowed (default 300K)
  --sigma X         log-normal spread; mean = median * exp(sigma^2 / 2) (default 1.55)
  --min BYTES       smallest transcript (default 4K)
  --max BYTES       largest transcript (default 50M)
  --total BYTES     rescale all sizes so that they add up to about this (default: no rescaling)
  --limited P       share of sessions whose last assistant record is a rate-limit error (default 0.05)
  --server-error P  share that end with another API error (default 0.01)
  --recovered P     share with a rate-limit error followed by a normal answer (default 0.03)
  --talk P          share that only talk about rate limits in normal text (default 0.30)
  --agents P        share with one sub-agent transcript beside them (default 0.10)
  --headless P      share of sessions that left no line in history.jsonl (default 0.05)
  --now ISO         newest possible timestamp (default 2026-01-31T12:00:00.000Z)
  --days N          history depth in days (default 180)`;

const { values: o } = parseArgs({
  options: Object.fromEntries(
    [
      "out",
      "seed",
      "sessions",
      "prompts",
      "projects",
      "median",
      "sigma",
      "min",
      "max",
      "total",
      "limited",
      "server-error",
      "recovered",
      "talk",
      "agents",
      "headless",
      "now",
      "days",
    ]
      .map((k) => [k, { type: "string" }])
      .concat([["help", { type: "boolean", short: "h" }]]),
  ),
});
if (o.help || !o.out) {
  console.log(HELP);
  process.exit(o.help ? 0 : 2);
}
if (existsSync(o.out)) {
  console.error(`${o.out} exists already`);
  process.exit(2);
}
const bytes = (s) => {
  const m = /^(\d+(?:\.\d+)?)([KMG]?)$/i.exec(s);
  if (!m) throw new Error(`bad size: ${s}`);
  return Math.round(+m[1] * { "": 1, K: 1e3, M: 1e6, G: 1e9 }[m[2].toUpperCase()]);
};
const SEED = +(o.seed ?? 1) >>> 0;
const SESSIONS = +(o.sessions ?? 1000);
const PROMPTS = +(o.prompts ?? 20);
const PROJECTS = +(o.projects ?? 40);
const MEDIAN = bytes(o.median ?? "300K");
const SIGMA = +(o.sigma ?? 1.55);
const MIN = bytes(o.min ?? "4K");
const MAX = bytes(o.max ?? "50M");
const TOTAL = o.total ? bytes(o.total) : 0;
const LIMITED = +(o.limited ?? 0.05);
const SERVER_ERROR = +(o["server-error"] ?? 0.01);
const RECOVERED = +(o.recovered ?? 0.03);
const TALK = +(o.talk ?? 0.3);
const AGENTS = +(o.agents ?? 0.1);
const HEADLESS = +(o.headless ?? 0.05);
const NOW = Date.parse(o.now ?? "2026-01-31T12:00:00.000Z");
const DAY = 86_400_000;
const DAYS = +(o.days ?? 180);

// ---------------------------------------------------------------- PRNG (sfc32, seeded by splitmix-style mixing)
function rng(stream) {
  let a = Math.imul(SEED ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
  let b = Math.imul(stream ^ 0x7f4a7c15, 0xc2b2ae35) >>> 0;
  let c = (a ^ ((b << 13) | (b >>> 19))) >>> 0;
  let d = 1;
  const u32 = () => {
    const t = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return t >>> 0;
  };
  for (let i = 0; i < 16; i++) u32();
  const f = () => u32() / 4294967296;
  const r = {
    u32,
    f,
    int: (n) => Math.floor(f() * n),
    pick: (xs) => xs[Math.floor(f() * xs.length)],
    normal: () => Math.sqrt(-2 * Math.log(1 - f())) * Math.cos(2 * Math.PI * f()),
    hex: (n) => {
      let s = "";
      while (s.length < n) s += u32().toString(16).padStart(8, "0");
      return s.slice(0, n);
    },
    uuid: () => {
      const h = r.hex(32);
      return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-a${h.slice(17, 20)}-${h.slice(20)}`;
    },
    id: (n) => {
      let s = "";
      for (let i = 0; i < n; i++) s += B62[Math.floor(f() * 62)];
      return s;
    },
  };
  return r;
}
const B62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// ---------------------------------------------------------------- text pools (shared by all sessions; built once)
const WORDS =
  `the to a of is in and that for it this with be on as not we file function should test error code can
from if an are have now will let me check use when return you so but or by at run need build value which type all one
was line change add first make then into does call state data config module path update component import result
request response server client token user session index object string number array null undefined await async const
class method property interface promise handler event stream buffer query database table column migration schema
index key cache timeout retry backoff worker thread queue lock mutex socket port proxy container image volume mount
docker compose script shell bash node npm package dependency version release commit branch merge rebase diff patch
review lint format eslint prettier typescript react hook props render virtual list scroll focus keyboard theme color
layout grid flex margin padding button input form validation email password login logout permission role policy admin
audit log metric trace span dashboard alert deploy rollback canary cluster namespace pod ingress service endpoint route
middleware controller model view template locale date timezone currency decimal rounding parser lexer grammar token
syntax tree visitor transform bundle minify sourcemap chunk lazy loading prefetch hydrate suspense fallback boundary
snapshot fixture mock stub spy assertion coverage flaky race deadlock leak profile benchmark latency throughput memory
naïve façade déjà Größe straße 日本語 данные`.split(/\s+/);
const TALKS = [
  'The upstream API answered 429 with "rate limit exceeded", so the client now retries with exponential backoff.',
  "I added a rate limiter: when the rate limit is exceeded the middleware sends 429 and a Retry-After header.",
  "Rate limit exceeded errors in the log come from the staging key; usage limit reached is a different message.",
  'The user pasted: "You\'ve hit your session limit · resets 3pm (UTC)" and asked what the message means.',
  'The parser must look at the record {"type":"assistant","isApiErrorMessage":true,"error":"rate_limit"} and not at the text.',
];
const LIMIT_TEXTS = [
  "You've hit your session limit · resets 3pm (UTC)",
  "You've hit your weekly limit · resets Mon 9am (UTC)",
  "Claude usage limit reached. Your limit will reset at 5pm (UTC).",
];
const SLASH = [
  "/clear",
  "/model",
  "/status",
  "/compact",
  "/cost",
  "/resume",
  "continue",
  "yes",
  "ok",
  "go on",
];
const TOOLS = ["Bash", "Read", "Edit", "Write", "Grep", "Glob", "TodoWrite", "Task", "WebFetch"];
const pool = rng(0);
const zipf = (r) => WORDS[Math.min(WORDS.length - 1, Math.floor(WORDS.length * r.f() ** 2.2))];
function sentence(r) {
  const n = 5 + r.int(16);
  let s = zipf(r);
  s = s[0].toUpperCase() + s.slice(1);
  for (let i = 1; i < n; i++) s += (r.f() < 0.08 ? ", " : " ") + zipf(r);
  return s + (r.f() < 0.1 ? "?" : ".");
}
const prose = (r, n) => {
  let s = "";
  while (s.length < n) s += sentence(r) + (r.f() < 0.2 ? "\n\n" : " ");
  return s;
};
function code(r, n) {
  let s = "";
  for (let i = 1; s.length < n; i++) {
    const a = zipf(r),
      b = zipf(r);
    s +=
      `${String(i).padStart(6)}→${" ".repeat(2 * r.int(4))}` +
      r.pick([
        `const ${a}${b[0].toUpperCase()}${b.slice(1)} = await ${b}.${a}("${zipf(r)}", ${r.int(1000)});\n`,
        `if (${a}.${b} !== null && ${a}.length > ${r.int(64)}) {\n`,
        `import { ${a}, ${b} } from "../${zipf(r)}/${a}.js";\n`,
        `// ${sentence(r)}\n`,
        `\t${a}: ${b},\n`,
        "}\n",
        `return ${a}(${b}, { ${zipf(r)}: '${a}' });\n`,
      ]);
  }
  return s;
}
const base64 = (r, n) => {
  let s = "";
  while (s.length < n)
    s += B62[r.int(62)] + B62[r.int(62)] + B62[r.int(62)] + (r.f() < 0.03 ? "/" : B62[r.int(62)]);
  return s;
};
const PROSE = Array.from({ length: 1500 }, () => prose(pool, 60 + 1200 * pool.f() ** 2));
const CODE = Array.from({ length: 700 }, () => code(pool, 200 + 24_000 * pool.f() ** 4));
const PROMPT = prose(pool, 80_000); // stands for a system prompt
const IMAGES = Array.from({ length: 12 }, () => base64(pool, 20_000 + pool.int(180_000)));
const projects = Array.from(
  { length: PROJECTS },
  (_, i) => `/workspace/${zipf(pool).replace(/[^a-z]/gi, "x")}-${zipf(pool).replace(/[^a-z]/gi, "x")}-${i}`,
);
const slug = (p) => p.replace(/[^A-Za-z0-9]/g, "-");

// ---------------------------------------------------------------- sessions
const NEEDLES = [
  // [needle, share of sessions that contain it once, in a user or assistant text]
  ["zyzzyvaquartz", 0.002],
  ["KubernetesOperator", 0.03],
  ["flümmox", 0.01],
  ["payment gateway", 0.15],
];
mkdirSync(join(o.out, "projects"), { recursive: true });
for (const p of projects) mkdirSync(join(o.out, "projects", slug(p)), { recursive: true });

const plans = [];
for (let i = 0; i < SESSIONS; i++) {
  const r = rng(i + 1);
  const size = Math.min(MAX, Math.max(MIN, MEDIAN * Math.exp(SIGMA * r.normal())));
  const x = r.f();
  plans.push({
    i,
    r,
    size,
    sessionId: r.uuid(),
    project: projects[Math.floor(PROJECTS * r.f() ** 2)],
    start: NOW - DAY * DAYS * r.f() - DAY,
    end:
      x < LIMITED
        ? "limited"
        : x < LIMITED + SERVER_ERROR
          ? "server_error"
          : x < LIMITED + SERVER_ERROR + RECOVERED
            ? "recovered"
            : "ok",
    schema: [1, 2, 2, 2, 2, 3, 3, 3, 3, 3][r.int(10)],
    headless: r.f() < HEADLESS,
    talk: r.f() < TALK,
    agent: r.f() < AGENTS,
    needles: NEEDLES.filter(([, p]) => r.f() < p).map(([n]) => n),
  });
}
if (TOTAL) {
  const k = TOTAL / plans.reduce((s, p) => s + p.size, 0);
  for (const p of plans) p.size = Math.min(MAX, Math.max(MIN, p.size * k));
}

class Out {
  // a buffered synchronous writer
  constructor(path) {
    this.path = path;
    this.fd = openSync(path, "wx");
    this.buf = [];
    this.pending = 0;
    this.size = 0;
  }
  line(obj) {
    const b = Buffer.from(`${JSON.stringify(obj)}\n`);
    this.buf.push(b);
    this.pending += b.length;
    this.size += b.length;
    if (this.pending > 1 << 20) this.flush();
  }
  flush() {
    if (this.pending) writeSync(this.fd, Buffer.concat(this.buf));
    this.buf = [];
    this.pending = 0;
  }
  close(ms) {
    this.flush();
    closeSync(this.fd);
    utimesSync(this.path, ms / 1000, ms / 1000);
  }
}

const history = [];
const manifest = [];
let total = 0,
  files = 0;

function writeTranscript(plan, path, size, sidechain) {
  const { r, sessionId, project } = plan;
  const out = new Out(path);
  const branch = r.pick(["main", "main", "main", `feature/${zipf(r)}-${r.int(99)}`, `fix/${r.int(2000)}`]);
  const v3 = plan.schema === 3; // the keys and their order differ between the program's generations
  const version =
    plan.schema === 1
      ? `1.0.${20 + r.int(100)}`
      : plan.schema === 2
        ? `2.0.${r.int(80)}`
        : `2.1.${r.int(300)}`;
  const where = {
    userType: "external",
    ...(v3 && { entrypoint: "cli" }),
    cwd: project,
    sessionId,
    version,
    gitBranch: branch,
    ...(sidechain && { agentId: r.hex(8) }),
  };
  let t = plan.start,
    parent = null,
    records = 0,
    promptSnapshotDue = v3 && !sidechain && (size > 250_000 || r.f() < 0.25);
  const record = (fields) => {
    t += 500 + r.int(9000);
    const head = { parentUuid: parent, isSidechain: sidechain },
      id = { uuid: r.uuid(), timestamp: new Date(t).toISOString() };
    out.line(v3 ? { ...head, ...fields(id), ...where } : { ...head, ...where, ...fields(id) });
    parent = id.uuid;
    records++;
  };
  const user = (content, extra) =>
    record((id) => ({ type: "user", message: { role: "user", content }, ...id, ...extra }));
  const assistant = (content) =>
    record((id) => ({
      message: {
        model: "claude-sonnet-4-5-20250929",
        id: `msg_01${r.id(22)}`,
        type: "message",
        role: "assistant",
        content,
        stop_reason: null,
        stop_sequence: null,
        usage: {
          input_tokens: r.int(12),
          cache_creation_input_tokens: r.int(4000),
          cache_read_input_tokens: 10_000 + r.int(120_000),
          cache_creation: { ephemeral_5m_input_tokens: r.int(4000), ephemeral_1h_input_tokens: 0 },
          output_tokens: 1 + r.int(900),
          service_tier: "standard",
        },
      },
      requestId: `req_011C${r.id(20)}`,
      type: "assistant",
      ...id,
    }));
  const text = (s) => assistant([{ type: "text", text: s }]);
  const apiError = (error, status, s) =>
    record((id) => ({
      type: "assistant",
      ...id,
      message: {
        id: r.uuid(),
        container: null,
        model: "<synthetic>",
        role: "assistant",
        stop_reason: "stop_sequence",
        stop_sequence: "",
        type: "message",
        usage: { input_tokens: 0, output_tokens: 0 },
        content: [{ type: "text", text: s }],
      },
      ...(plan.schema > 1 && { error }),
      isApiErrorMessage: true,
      ...(v3 && { apiErrorStatus: status }),
    }));
  const limitError = () =>
    apiError(
      "rate_limit",
      429,
      plan.schema === 1
        ? `Claude AI usage limit reached|${Math.floor(t / 1000) + 9000}`
        : r.pick(LIMIT_TEXTS),
    );
  const duration = () =>
    record((id) => ({
      type: "system",
      subtype: "turn_duration",
      durationMs: r.int(90_000),
      ...id,
      isMeta: false,
    }));
  const attachment = (a) => record((id) => ({ attachment: a, type: "attachment", ...id }));
  const snapshot = () =>
    out.line({
      type: "file-history-snapshot",
      messageId: r.uuid(),
      snapshot: { messageId: r.uuid(), trackedFileBackups: {}, timestamp: new Date(t).toISOString() },
      isSnapshotUpdate: false,
    });
  const tool = () => {
    const name = r.pick(TOOLS),
      id = `toolu_01${r.id(22)}`,
      x = r.f();
    const file = `${project}/src/${zipf(r)}/${zipf(r)}.ts`;
    assistant([
      {
        type: "tool_use",
        id,
        name,
        input:
          name === "Bash"
            ? { command: `npm test -- ${zipf(r)} 2>&1 | tail -${r.int(90)}`, description: sentence(r) }
            : name === "Edit"
              ? {
                  file_path: file,
                  old_string: r.pick(CODE).slice(0, 600),
                  new_string: r.pick(CODE).slice(0, 800),
                }
              : { file_path: file, pattern: zipf(r) },
      },
    ]);
    const body =
      x < 0.004 && size > 1e6
        ? [{ type: "image", source: { type: "base64", data: r.pick(IMAGES), media_type: "image/png" } }]
        : r.f() < 0.7
          ? r.pick(CODE)
          : r.pick(PROSE);
    user([{ tool_use_id: id, type: "tool_result", content: body, is_error: r.f() < 0.05 }], {
      toolUseResult:
        typeof body === "string"
          ? { stdout: body, stderr: "", interrupted: false, isImage: false }
          : { type: "image" },
    });
  };

  const asked = sidechain ? 1 : Math.max(1, Math.min(PROMPTS, Math.floor(size / 3000)));
  const talkAt = plan.talk ? r.int(asked) : -1;
  const needleAt = plan.needles.map(() => r.int(asked));
  const recoverAt = plan.end === "recovered" ? r.int(asked) : -1;
  snapshot();
  if (v3 && !sidechain)
    attachment({ type: "skill_listing", content: r.pick(CODE).slice(0, 13_000), skillCount: r.int(20) });
  for (let p = 0; p < asked; p++) {
    let prompt = r
      .pick(PROSE)
      .slice(0, 20 + r.int(400))
      .trim();
    if (!sidechain)
      plan.needles.forEach((n, k) => {
        if (needleAt[k] === p && k % 2 === 0) prompt += ` ${n}`;
      });
    user(prompt);
    if (!sidechain && !plan.headless)
      history.push({ display: prompt, pastedContents: {}, timestamp: t, project, sessionId });
    if (!sidechain && p === recoverAt) {
      limitError();
      user("continue");
    }
    text(
      r.pick(PROSE) +
        (p === talkAt ? r.pick(TALKS) : "") +
        (sidechain
          ? ""
          : plan.needles
              .filter((_n, k) => needleAt[k] === p && k % 2 === 1)
              .map((n) => ` ${n}`)
              .join("")),
    );
    const target = (size * (p + 1)) / asked;
    while (out.size < target - 1500) {
      const x = r.f();
      if (promptSnapshotDue) {
        promptSnapshotDue = false;
        attachment({ type: "prompt_snapshot", systemPrompt: [PROMPT.slice(0, 55_000 + r.int(25_000))] });
      } else if (x < 0.7) tool();
      else if (x < 0.85) text(r.pick(PROSE));
      else if (x < 0.95)
        assistant([{ type: "thinking", thinking: r.pick(PROSE), signature: base64(r, 300) }]);
      else duration();
    }
    if (r.f() < 0.3) snapshot();
  }
  if (sidechain) {
    out.close(t);
    return { size: out.size, records };
  }
  if (plan.end === "limited") limitError();
  else if (plan.end === "server_error")
    apiError(
      "server_error",
      500,
      'API Error: 500 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
    );
  else text(r.pick(PROSE));
  const tail = r.f(); // what may follow the last assistant record
  if (v3 && (promptSnapshotDue || tail > 0.97))
    attachment({ type: "prompt_snapshot", systemPrompt: [PROMPT.slice(0, 55_000 + r.int(25_000))] }); // hides it from a 64 KiB tail
  if (tail < 0.2) snapshot();
  else if (tail < 0.3) {
    duration();
    if (!v3) out.line({ type: "summary", summary: sentence(r), leafUuid: parent });
  } else if (tail < 0.33) user("continue");
  else if (tail < 0.335) user(r.pick(IMAGES));
  if (v3) {
    out.line({ type: "last-prompt", lastPrompt: "continue", leafUuid: parent, sessionId });
    out.line({ type: "mode", mode: "default", sessionId });
  }
  out.close(t);
  if (!plan.headless)
    for (let k = asked; k < PROMPTS; k++)
      history.push({
        display: r.pick(SLASH),
        pastedContents: {},
        timestamp: Math.round(plan.start + (t - plan.start) * r.f()),
        project,
        sessionId,
      });
  return { size: out.size, records, last: t };
}

for (const plan of plans) {
  plan.start = Math.round(plan.start);
  const dir = join(o.out, "projects", slug(plan.project));
  const res = writeTranscript(plan, join(dir, `${plan.sessionId}.jsonl`), plan.size, false);
  total += res.size;
  files++;
  if (plan.agent) {
    const sub = plan.schema === 3 ? join(dir, plan.sessionId, "subagents") : dir;
    mkdirSync(sub, { recursive: true });
    const a = writeTranscript(
      plan,
      join(sub, `agent-${plan.r.hex(8)}.jsonl`),
      Math.min(400_000, plan.size * 0.2),
      true,
    );
    total += a.size;
    files++;
  }
  manifest.push({
    sessionId: plan.sessionId,
    project: plan.project,
    end: plan.end,
    schema: plan.schema,
    headless: plan.headless,
    talk: plan.talk,
    needles: plan.needles,
    ...res,
  });
}
history.forEach((h, i) => {
  h.order = i;
});
history.sort((a, b) => a.timestamp - b.timestamp || a.order - b.order);
const h = new Out(join(o.out, "history.jsonl"));
for (const { order, ...line } of history) h.line(line);
h.close(history.length ? history[history.length - 1].timestamp : NOW);
writeFileSync(
  join(o.out, "manifest.json"),
  `${JSON.stringify(
    {
      seed: SEED,
      sessions: SESSIONS,
      files,
      total,
      historyBytes: h.size,
      limited: manifest.filter((m) => m.end === "limited").length,
      entries: manifest,
    },
    null,
    1,
  )}\n`,
);
console.log(
  `${SESSIONS} sessions, ${files} files, ${(total / 1e6).toFixed(1)} MB of transcripts, ${(h.size / 1e6).toFixed(1)} MB of history`,
);
