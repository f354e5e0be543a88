// Which file may import which: pure, over what esbuild's metafile calls inputs.

export type Inputs = Record<string, { imports: { path: string; external?: boolean }[] }>;

const domain = ["sessions", "limits", "claude", "system"];

/** Folder of helpers/ → the folders it may import besides itself. Files right in helpers/ may import all. */
const arrows: Record<string, string[]> = {
  commands: ["terminal", "tmux", "archive", "devcontainer", "shell", ...domain],
  tmux: domain,
  archive: domain,
  devcontainer: domain,
  shell: domain,
  sessions: ["limits", "claude", "system"],
  limits: ["claude", "system"],
  claude: ["system"],
  terminal: ["system"],
  system: [],
};

/** One line a breach; empty when all is right. */
export function breaches(inputs: Inputs): string[] {
  return [...cycles(inputs), ...edges(inputs).flatMap(([from, to]) => wrongWay(from, to) ?? [])];
}

function edges(inputs: Inputs): [string, string][] {
  return Object.entries(inputs).flatMap(([from, { imports }]) =>
    imports
      .filter(({ path, external }) => !external && path in inputs)
      .map(({ path }): [string, string] => [from, path]),
  );
}

function wrongWay(from: string, to: string): string | undefined {
  const [area, folder, deeper] = from.split("/");
  const [target, targetFolder, targetDeeper] = to.split("/");
  const says = (why: string) => `${from} imports ${to}: ${why}`;
  if (area === "helpers" && target !== "helpers") return says("helpers/ imports nothing outside of itself");
  if (area === "infra" && target === "helpers")
    return says("infra/ builds the helper, and uses no code of it");
  if ((area === "infra" || area === "helpers") && target === "tests") return says("only tests import tests");
  if (area !== "helpers") return undefined;

  const unknown = [folder, targetFolder].find(
    (name, at) => (at ? targetDeeper : deeper) && !(name! in arrows),
  );
  if (unknown)
    return says(`helpers/${unknown} has no place in the order yet (tests/support/import-rules.ts)`);
  if (!deeper || folder === targetFolder) return undefined;
  if (!targetDeeper) return says("nothing in a folder imports the files above it");
  if (arrows[folder!]!.includes(targetFolder!)) return undefined;
  return says(`${folder} may import ${arrows[folder!]!.join(", ") || "nothing but Node"}`);
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
