// What a container shares with the host.

import { join } from "node:path";
import { configDirectory } from "../claude/places.ts";
import { home, program } from "../system/places.ts";
import { Problem } from "../system/problem.ts";
import type { Share, ShareFolder } from "./share-folder.ts";
import { lstat } from "./share-folder.ts";

export type Mount = {
  name: string;
  source: string;
  target: string;
  kind: "folder" | "file";
  readOnly: boolean;
};

/** Folders that both sides read and write. */
const DATA = ["projects", "session-env", "todos", "tasks", "plans", "file-history", "paste-cache"];
/** Folders that the container only reads. */
const READ = ["agents", "commands", "skills", "plugins"];
/** The same, if the host has them. */
const READ_IF_THERE = ["rules", "output-styles", "workflows"];
/**
 * Files that Claude Code saves by rename. If one were mounted, the container would keep the old file. So it gets copies in
 * a folder, and links to them.
 */
export const COPIED = ["settings.json", "CLAUDE.md", "keybindings.json"];

/**
 * Returns the mounts, parents first. The first is the container's own folder. It is the configuration directory there, so
 * that `.claude.json`, `sessions/` and everything else that is not shared has the right owner and outlives the container.
 */
export function mountsOf(
  { path }: ShareFolder,
  { target, isolated }: Pick<Share, "target" | "isolated">,
): Mount[] {
  const own = (name: string, source: string, readOnly: boolean, kind: Mount["kind"] = "folder"): Mount => ({
    name,
    source,
    target: join(target, name),
    kind,
    readOnly,
  });
  const shared = (readOnly: boolean) => (name: string) => own(name, join(configDirectory(), name), readOnly);
  const there = READ_IF_THERE.filter((name) => lstat(join(configDirectory(), name))?.isDirectory());
  const all = [
    { ...own("", join(path, "claude"), false), target },
    own("host", join(path, "host"), true),
    own("ccr", join(program(), ".."), true),
    ...(isolated
      ? []
      : [
          ...DATA.map(shared(false)),
          own("history.jsonl", join(configDirectory(), "history.jsonl"), false, "file"),
          ...[...READ, ...there].map(shared(true)),
        ]),
  ];
  const odd = all.flatMap((one) => [one.source, one.target]).find((path) => /[,"\r\n]|^(?!\/)/.test(path));
  if (odd !== undefined)
    throw new Problem("bad-path", `this path cannot be mounted: ${odd}`, {
      hint: "set HOME, CLAUDE_CONFIG_DIR or XDG_STATE_HOME to an absolute path without commas and quotes",
    });
  return all;
}

/** Replaces this home in a path by a variable, because other people's homes differ. */
const portable = (path: string, variable: string): string =>
  path.startsWith(`${home()}/`) ? variable + path.slice(home().length) : path;

/** Returns a mount as a string, because in the object form `readonly` has no effect. */
export const mountText = ({ source, target, readOnly }: Mount): string =>
  `source=${portable(source, "${localEnv:HOME}")},target=${target},type=bind${readOnly ? ",readonly" : ""}`;

/** Returns a compose file with the mounts and variables of a service. It is JSON, which is valid YAML. */
export function composeText(service: string, mounts: readonly Mount[], env: Record<string, string>): string {
  const plain = (text: string): string => text.replaceAll("$", "$$$$");
  const volumes = mounts.map(({ source, target, readOnly }) => ({
    type: "bind",
    source: source.startsWith(`${home()}/`) ? `\${HOME}${plain(source.slice(home().length))}` : plain(source),
    target: plain(target),
    read_only: readOnly,
  }));
  const environment = Object.fromEntries(Object.entries(env).map(([name, text]) => [name, plain(text)]));
  const text = JSON.stringify({ services: { [service]: { environment, volumes } } }, null, 2);
  return `# Written by ccr devcontainer add; ccr devcontainer remove takes it out.\n${text}\n`;
}

/** Returns the sh line that runs before each start: it creates what is mounted, also on another person's host. */
export function startLine(mounts: readonly Mount[]): string {
  const word = (path: string): string => `"${portable(path.replace(/["$`\\]/g, "\\$&"), "$HOME")}"`;
  const [own, host, ccr, ...shared] = mounts as [Mount, Mount, Mount, ...Mount[]];
  const names = (kind: Mount["kind"]): string[] =>
    shared.filter((one) => one.kind === kind).map(({ name }) => name);
  const claude = shared[0] && word(join(shared[0].source, ".."));
  return [
    `umask 077; c=${word(own.source)}; mkdir -p "$c/host" "$c/ccr" ${word(host.source)} ${word(ccr.source)}`,
    ...(claude
      ? [
          `d=${claude}; for n in ${names("folder").join(" ")}; do mkdir -p "$c/$n" "$d/$n"; done`,
          `for n in ${names("file").join(" ")}; do touch "$c/$n" "$d/$n"; done`,
        ]
      : []),
    "~/.local/bin/ccr devcontainer add --refresh >/dev/null 2>&1 || :",
  ].join("; ");
}
