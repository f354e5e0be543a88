// What a container shares with the host, and in which form.

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

/** Read and written on both sides. */
const DATA = ["projects", "session-env", "todos", "tasks", "plans", "file-history", "paste-cache"];
/** Read in the container. */
const READ = ["agents", "commands", "skills", "plugins"];
/** The same, where the host has them. */
const READ_IF_THERE = ["rules", "output-styles", "workflows"];
/**
 * Files that the CLI saves by rename. Bound alone, the container would keep the old one for ever: it gets copies in
 * a folder, and links to them.
 */
export const COPIED = ["settings.json", "CLAUDE.md", "keybindings.json"];

/**
 * Parents first. The container's own folder comes first and is its configuration directory, so that `.claude.json`,
 * `sessions/` and all that is not shared have a place of the right owner, which outlives the container.
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
    throw new Problem("bad-path", `no mount can have this path: ${odd}`, {
      hint: "set HOME, CLAUDE_CONFIG_DIR or XDG_STATE_HOME to an absolute path without commas and quotes",
    });
  return all;
}

/** A path of the host as the file names it: people's homes differ. */
const portable = (path: string, variable: string): string =>
  path.startsWith(`${home()}/`) ? variable + path.slice(home().length) : path;

/** The string form: in the object form `readonly` is lost. */
export const mountText = ({ source, target, readOnly }: Mount): string =>
  `source=${portable(source, "${localEnv:HOME}")},target=${target},type=bind${readOnly ? ",readonly" : ""}`;

/** A compose file with the same for a service. JSON is YAML. */
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

/** For sh, before each start of the container: what is bound must be there, on another person's host too. */
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
