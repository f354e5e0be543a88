import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

export type PartName = "unit" | "properties" | "commands" | "infra" | "shell" | "e2e" | "platform";

/** A program that npm cannot bring. Without it `parts` are not run; of `partly` single tests are skipped. */
export interface Tool {
  name: string;
  parts: PartName[];
  partly?: PartName[];
  /** Debian, Ubuntu and Homebrew call it so; default: its name. */
  pack?: string;
  /** Where no package manager has it. */
  from?: string;
}

export const tools: Tool[] = [
  { name: "git", parts: [], partly: ["unit", "commands", "e2e"] },
  { name: "bash", parts: ["shell", "e2e"] },
  { name: "tmux", parts: ["shell", "e2e"] },
  { name: "perl", parts: [], partly: ["unit", "commands", "e2e"] },
  { name: "zsh", parts: [], partly: ["shell", "commands"] },
  { name: "fish", parts: [], partly: ["shell", "commands"] },
  { name: "dash", parts: [], partly: ["shell"] },
  { name: "busybox", parts: [], partly: ["shell"] },
  { name: "shellcheck", parts: [], partly: ["shell"] },
  { name: "strace", parts: [], partly: ["shell"] },
  { name: "unshare", parts: [], partly: ["unit", "commands", "e2e"], pack: "util-linux" },
  { name: "nsenter", parts: [], partly: ["e2e"], pack: "util-linux" },
  { name: "setpriv", parts: [], partly: ["shell"], pack: "util-linux" },
  { name: "ps", parts: ["e2e"], pack: "procps" },
  {
    name: "terraform",
    parts: ["platform"],
    from: "https://developer.hashicorp.com/terraform/install",
  },
];

export function onPath(name: string, path = process.env.PATH ?? ""): string | undefined {
  for (const directory of path.split(delimiter)) {
    const file = join(directory || ".", name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {}
  }
  return undefined;
}

/** The one command that installs `missing` here, or where each is to be had. */
export function installCommand(missing: Tool[]): string[] {
  const packages = missing.filter((tool) => !tool.from).map((tool) => tool.pack ?? tool.name);
  const manager = [
    ["apt-get", "apt-get install -y"],
    ["apk", "apk add"],
    ["dnf", "dnf install -y"],
    ["brew", "brew install"],
  ].find(([name]) => onPath(name!));
  const sudo = manager && manager[0] !== "brew" && process.getuid?.() !== 0 ? "sudo " : "";
  const command = `${sudo}${manager?.[1] ?? "install with your package manager:"} ${packages.join(" ")}`;
  return [
    ...(packages.length ? [command] : []),
    ...missing.filter((tool) => tool.from).map((tool) => `${tool.name}: ${tool.from}`),
  ];
}

/**
 * For a single test that needs a tool: `it.skipIf(lacks("zsh"))(…)`.
 * The test run counts what is skipped, and under CI=true as failed.
 */
export function lacks(name: string): boolean {
  return onPath(name) === undefined;
}
