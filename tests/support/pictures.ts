// Draws the pictures of the documentation: `npm run pictures`. The real CLI against the mock, in real tmux, with the
// sample sessions; its recording is by our own recorder. Run by hand, after a change of what people see.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { installClaude } from "./claude-cli.ts";
import { type Home, makeHome, root } from "./home.ts";
import { mockApi, say, use } from "./mock-api.ts";
import { install } from "./program.ts";
import { copySamples } from "./sample-sessions.ts";
import { svgOf } from "./svg.ts";
import { openTerminal, type Terminal } from "./tmux.ts";

const pictures = join(root, "docs/pictures");
mkdirSync(pictures, { recursive: true });

/** Its home takes as many cells as the one that the pictures show. */
const SHOWN = "/home/coder";
const path = mkdtempSync("/tmp/");
const made = makeHome();
const home: Home = {
  ...made,
  path,
  env: { ...made.env, HOME: path, USER: "coder", LOGNAME: "coder" },
  project(name) {
    const directory = join(path, "projects", name);
    mkdirSync(directory, { recursive: true });
    return directory;
  },
};

/** Nothing of the machine and the person who draws. */
const PRIVATE = new RegExp(
  `${path}|${made.around}|\\b${hostname()}\\b|\\b(?!coder\\b)${userInfo().username}\\b`,
);

function write(name: string, text: string): void {
  const shown = text.replaceAll(path, SHOWN);
  const [found] = PRIVATE.exec(shown) ?? [];
  if (found) throw new Error(`${name} tells ${found}`);
  writeFileSync(join(pictures, name), shown);
  console.log(`docs/pictures/${name}  ${Buffer.byteLength(shown)} bytes`);
}

const open: Terminal[] = [];
async function terminal(
  columns: number,
  rows: number,
  cwd: string,
  env: Record<string, string>,
): Promise<Terminal> {
  const one = await openTerminal(home, { columns, rows, cwd, env });
  open.push(one);
  await one.shows("$", 60);
  return one;
}
async function line(one: Terminal, text: string): Promise<void> {
  await one.type(text);
  await one.press("Enter");
}
async function draw(
  name: string,
  title: string,
  one: Terminal,
  columns: number,
  rows: number,
): Promise<void> {
  // Not until the screen stands still: spinners never do.
  await sleep(1000);
  write(name, await svgOf(title, columns, rows, (await one.drawn()).replaceAll(path, SHOWN)));
}

const api = await mockApi();
let end: () => Promise<unknown> = async () => undefined;
try {
  copySamples(path);
  const shop = home.project("shop");
  const [infra, docs] = [home.project("infra"), home.project("docs")];
  for (const [name, text] of [
    ["package.json", '{ "name": "shop" }\n'],
    ["src/checkout.js", "export const attempts = 1;\nexport const timeout = 30_000;\n"],
  ] as const) {
    mkdirSync(join(shop, "src"), { recursive: true });
    writeFileSync(join(shop, name), text);
  }
  const folders = readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.parentPath.includes("/."))
    .map((entry) => join(entry.parentPath, entry.name));
  const claude = await installClaude(home, api.url, folders, "api-key");
  mkdirSync(join(path, ".claude"), { recursive: true });
  writeFileSync(
    join(path, ".claude/settings.json"),
    JSON.stringify({ permissions: { allow: ["Bash(grep:*)", "Read"] }, spinnerTipsEnabled: false }),
  );
  writeFileSync(
    join(path, ".bashrc"),
    "PS1='\\[\\e[32m\\]\\w\\[\\e[0m\\] $ '\nexport TERM=tmux-256color COLORTERM=truecolor HISTFILE=/dev/null\n",
  );
  // The clock and the machine's name stand there else.
  writeFileSync(
    join(path, ".tmux.conf"),
    'set -g status-right ""\nset -as terminal-features ",*:RGB"\nset -g default-terminal tmux-256color\n',
  );
  const env = claude.env;
  const run = await install(home, { env });
  const ccr = async (...words: string[]): Promise<string> => {
    const { out, err, status } = await run(words, { cwd: path, seconds: 120 });
    if (status !== 0) throw new Error(`${words.join(" ")}: ${err}`);
    return out.trim();
  };
  end = () => ccr("cct-kill", "--all", "--force");
  const idle = (name: string) => ccr("ccr", "wait", name, "--timeout", "120");

  // One session of each kind.
  const MANUAL = ["--", "--permission-mode", "manual", "--name"];
  await ccr("ccr", "start", infra, ...MANUAL, "State move");
  await ccr("ccr", "start", docs, ...MANUAL, "Release notes");
  const busy = await ccr("cct", "98e4");
  await idle("infra");
  api.answers.push(
    use("Bash", { command: "terraform state rm module.old", description: "Forget the old module" }),
  );
  await ccr("ccr", "send", "infra", "move the state of the old module, and say what would go");
  await ccr("ccr", "wait", "infra", "--for", "waiting", "--timeout", "60");
  await idle("docs");
  api.answers.push(say("The notes stand in CHANGELOG.md: three features, one fix."));
  await ccr("ccr", "send", "docs", "write the release notes");
  await idle("docs");

  // cct in a project: Claude, the shell, the log; recorded.
  const [columns, rows] = [100, 28];
  const one = await terminal(columns, rows, shop, env);
  await line(one, "cct");
  await one.shows("❯", 60);
  await idle("shop");
  api.answers.push(
    use("Bash", { command: "grep -n attempts src/*.js", description: "Look for the retries" }),
    say(
      "The checkout gives up after **one** attempt (`src/checkout.js:1`): a single 502 of the gateway ends it.\n\nI would try three times, with a pause that doubles:\n\n1. `attempts = 3`\n2. wait 1 s, 2 s, 4 s\n3. tell the person only then",
      { pace: 150 },
    ),
  );
  for (const letter of "why does the checkout fail on a 502?") {
    await one.type(letter);
    // The recording shows the typing, so it has the pace of a person.
    await sleep(60);
  }
  await sleep(500);
  await one.press("Enter");
  await one.shows("tell the person", 60);
  await idle("shop");
  await draw("session-claude.svg", "A session in tmux: the window claude", one, columns, rows);
  await one.press("C-b", "n");
  await one.shows("$", 60);
  await line(one, "cat src/checkout.js");
  await one.shows("timeout", 60);
  await draw("session-shell.svg", "The window shell", one, columns, rows);
  await one.press("C-b", "n");
  await one.shows("tell the person", 60);
  await draw("session-logs.svg", "The window logs", one, columns, rows);
  const [{ id }] = JSON.parse(await ccr("cct-list", "--json")).sessions.filter(
    (session: { name: string }) => session.name === "claude-shop",
  );
  await one.press("C-b", "p");
  await one.press("C-b", "p");
  await one.press("C-b", "d");

  api.answers.push(say("Slowly.", { wait: 300_000 }));
  await idle(busy);
  await ccr("ccr", "send", busy, "move the setup script into its own file");

  for (const [name, wide, high] of [
    ["board", 80, 24],
    ["board-wide", 128, 22],
  ] as const) {
    const board = await terminal(wide, high, path, env);
    await line(board, "clear; ccr");
    await board.shows(/Needs you[\s\S]*Working[\s\S]*Idle[\s\S]*Recent/, 60);
    await draw(
      `${name}.svg`,
      "The board: who needs you, who works, what a limit has stopped",
      board,
      wide,
      high,
    );
    await board.press("q");
  }
  const list = await terminal(132, 8, path, env);
  await line(list, "clear; cct-list");
  await list.shows("go there", 60);
  await draw("list.svg", "cct-list", list, 132, 8);

  const folder = join(path, ".local/state/ccr/recordings", id);
  const [head = "", ...events] = readFileSync(join(folder, readdirSync(folder)[0]!), "utf8").split("\n");
  const { version, width, height, env: kind } = JSON.parse(head);
  const kept = { version, width, height, title: "cct: a session in tmux", env: kind };
  write("session.cast", [JSON.stringify(kept), ...events].join("\n"));
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  for (const one of open) await one.end();
  await end();
  await made.remove();
  await api.close();
  rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}
