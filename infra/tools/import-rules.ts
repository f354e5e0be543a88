// Which file may import which. Pure: it works on what esbuild's metafile calls inputs.

export type Inputs = Record<string, { imports: { path: string; external?: boolean }[] }>;

/**
 * The rooms of helpers/ and what each may import besides itself, from the bottom up. Files directly in helpers/ may
 * import every room. The check also fails for an arrow that no import uses, so the table is exactly what the code does.
 */
const ROOMS: Record<string, string[]> = {
  system: [],
  claude: ["system"],
  remote: ["system"],
  terminal: ["system"],
  limits: ["claude", "system"],
  sessions: ["limits", "claude", "system"],
  redact: ["claude"],
  search: ["sessions", "limits", "claude", "system"],
  stats: ["search", "sessions", "claude", "system"],
  conversation: ["redact", "claude", "system"],
  resume: ["sessions", "limits", "claude", "system"],
  recording: ["terminal", "search", "sessions", "claude", "system"],
  live: ["recording", "resume", "sessions", "limits", "claude", "system"],
  archive: ["conversation", "redact", "sessions", "claude", "system"],
  history: ["archive", "conversation", "sessions", "claude", "system"],
  sync: ["history", "archive", "conversation", "sessions", "remote", "claude", "system"],
  render: ["conversation", "redact", "claude", "system"],
  devcontainer: ["claude", "system"],
  install: ["claude", "system"],
  cli: [
    "terminal",
    "install",
    "render",
    "history",
    "archive",
    "redact",
    "live",
    "resume",
    "sessions",
    "limits",
    "claude",
    "system",
  ],
  doctor: ["terminal", "install", "live", "history", "conversation", "sessions", "claude", "system"],
  board: ["cli", "terminal", "remote", "live", "sessions", "limits", "claude", "system"],
  commands: [
    "board",
    "doctor",
    "cli",
    "terminal",
    "remote",
    "install",
    "devcontainer",
    "sync",
    "history",
    "archive",
    "conversation",
    "redact",
    "live",
    "recording",
    "resume",
    "search",
    "stats",
    "sessions",
    "limits",
    "claude",
    "system",
  ],
};

/** One line for each import that breaks the rules. Empty when all is well. */
export function breaches(inputs: Inputs): string[] {
  return [...cycles(inputs), ...edges(inputs).flatMap(([from, to]) => wrongWay(from, to) ?? [])];
}

/** One line for each arrow of the table that no import uses. */
export function unusedArrows(inputs: Inputs): string[] {
  const used = new Set(edges(inputs).map(([from, to]) => `${roomOf(from)} ${roomOf(to)}`));
  return Object.entries(ROOMS).flatMap(([room, targets]) =>
    targets
      .filter((target) => !used.has(`${room} ${target}`))
      .map((target) => `${room} imports nothing from ${target}: remove the arrow from import-rules.ts`),
  );
}

/** The room of a file of helpers/; undefined for a file outside of every room. */
function roomOf(file: string): string | undefined {
  const [area, room, inside] = file.split("/");
  return area === "helpers" && inside !== undefined ? room : undefined;
}

function edges(inputs: Inputs): [string, string][] {
  return Object.entries(inputs).flatMap(([from, { imports }]) =>
    imports
      .filter(({ path, external }) => !external && path in inputs)
      .map(({ path }): [string, string] => [from, path]),
  );
}

function wrongWay(from: string, to: string): string | undefined {
  const [area] = from.split("/");
  const [targetArea] = to.split("/");
  const says = (why: string) => `${from} imports ${to}: ${why}`;
  if (area === "helpers" && targetArea !== "helpers") return says("helpers/ imports nothing from outside");
  if (area === "infra" && targetArea === "helpers")
    return says("infra/ builds the helper but uses none of its code");
  if ((area === "infra" || area === "helpers") && targetArea === "tests")
    return says("only tests import tests");
  if (area !== "helpers") return undefined;

  const [room, target] = [roomOf(from), roomOf(to)];
  const unknown = [room, target].find((name) => name !== undefined && !(name in ROOMS));
  if (unknown !== undefined)
    return says(`helpers/${unknown} is not in the table of rooms (infra/tools/import-rules.ts)`);
  if (room === undefined) return undefined;
  if (target === undefined) return says("a room does not import the files above it");
  if (room === target)
    return room === "commands" ? says("a command does not import another command") : undefined;
  if (ROOMS[room]!.includes(target)) return undefined;
  return says(`${room} may import ${ROOMS[room]!.join(", ") || "only Node"}`);
}

/** Every circle of files, each once, as "a -> b -> a". */
function cycles(inputs: Inputs): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string) => {
    const at = path.indexOf(file);
    if (at >= 0) found.push(`a circle: ${[...path.slice(at), file].join(" -> ")}`);
    if (at >= 0 || done.has(file)) return;
    path.push(file);
    for (const { path: to, external } of inputs[file]!.imports) if (!external && to in inputs) visit(to);
    path.pop();
    done.add(file);
  };
  for (const file of Object.keys(inputs)) visit(file);
  return found;
}

/** The table of rooms as Markdown, for docs/developing/architecture.md. */
export function importTable(): string {
  const rows = Object.entries(ROOMS).map(([room, targets]) => {
    const names = targets.map((target) => `\`${target}\``).join(" ");
    return `| \`${room}\` | ${names || "only Node"} |`;
  });
  return ["| room | may import |", "|---|---|", ...rows.reverse()].join("\n");
}
