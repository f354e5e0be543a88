import { mountPoints } from "../system/mounts.ts";
// Checks whether a container shares sessions and whether that works, from the host or from inside. Changes nothing.

import { closeSync, existsSync, openSync, readFileSync, type Stats, statSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { configDirectory, projectsDirectory, slug } from "../claude/places.ts";
import { object } from "../claude/rows.ts";
import { errno } from "../system/problem.ts";
import { quote } from "../system/shell-quote.ts";
import { MARK, parseFile } from "./edit.ts";
import { configFiles } from "./file.ts";
import { linkCommand, linkOf, linkState } from "./link.ts";
import { COPIED, type Mount, mountsOf } from "./mounts.ts";
import { lstat, realPathOrSame, type Share, type ShareFolder, shareFolderOf } from "./share-folder.ts";

export type Finding = { what: string; state: "ok" | "note" | "wrong"; message: string; fix: string | null };

export type Report = {
  share: Share | null;
  file: string | null;
  inside: boolean;
  mounts: Mount[];
  findings: Finding[];
};

const ADD = "ccr devcontainer add";
const there = (command: string): string => `on the host: ${command}`;
const rebuilt = (host: string): string =>
  there(`devcontainer up --remove-existing-container --workspace-folder ${quote(host)}`);

class Findings {
  readonly all: Finding[] = [];
  /** Adds the result of a check: `message` and `fix` if it is not fine. A `note` is no problem. */
  check(what: string, fine: boolean, message: string, fix: string, note = false): void {
    if (fine) this.all.push({ what, state: "ok", message: what, fix: null });
    else this.all.push({ what, state: note ? "note" : "wrong", message, fix });
  }
  /** Adds the result of a check that is fine if the list is empty. */
  checkEmpty(what: string, list: readonly string[], message: string, fix: string, note = false): void {
    this.check(what, list.length === 0, `${message}: ${list.join(", ")}`, fix, note);
  }
}

const uid = (): number => process.getuid?.() ?? -1;
const stat = (path: string): Stats | undefined => statSync(path, { throwIfNoEntry: false });
const words = (paths: readonly string[]): string => paths.map(quote).join(" ");

/** Checks a project from the host. */
export function checkHost(host: string): Report {
  const place = shareFolderOf(host);
  const { record } = place;
  const found = new Findings();
  const file = record?.file ?? configFiles(host)[0] ?? null;
  const text = file !== null && existsSync(file) ? readFileSync(file, "utf8") : null;
  const mounts = record ? mountsOf(place, record) : [];
  if (record) {
    const complete = text !== null && record.edits.every(([, after]) => text.includes(after));
    const compose = !record.override || existsSync(record.override.path);
    found.check("shared", complete && compose, `${file} does not have ccr's lines`, ADD);
    checkSources(mounts, found);
    if (!record.isolated) {
      const link = linkOf(record);
      found.check(
        "history",
        !link || linkState(link) === "right",
        `the history of ${record.container} in the container is not the host's`,
        ADD,
      );
      checkCopies(place, found);
    }
    const unset = record.env.filter((name) => !process.env[name]);
    found.checkEmpty(
      "environment",
      unset,
      "not set here",
      `export ${unset.map((name) => `${name}=…`).join(" ")}`,
      true,
    );
  } else if (text?.includes(MARK))
    found.check(
      "shared",
      false,
      "devcontainer.json has lines that ccr of another home added",
      `remove them, then: ${ADD}`,
    );
  else
    found.check(
      "shared",
      false,
      "nothing is shared with a container of this project",
      `${ADD} ${quote(host)}`,
    );
  if (text !== null) checkOwnMounts(text, found);
  return { share: record, file, inside: false, mounts, findings: found.all };
}

function checkSources(mounts: readonly Mount[], found: Findings): void {
  const those = (wrong: (stats: Stats | undefined, mount: Mount) => boolean): string[] =>
    mounts.filter((mount) => wrong(stat(mount.source), mount)).map(({ source }) => source);
  const missing = those((stats, { kind }) => !(kind === "folder" ? stats?.isDirectory() : stats?.isFile()));
  found.checkEmpty("sources", missing, "missing", ADD);
  const foreign = those((stats, { readOnly }) => !readOnly && stats !== undefined && stats.uid !== uid());
  found.checkEmpty("owner", foreign, "owned by another user", `sudo chown -R ${uid()} ${words(foreign)}`);
  const closed = those((stats, { kind }) => {
    const needed = kind === "folder" ? 0o700 : 0o600;
    return stats !== undefined && (stats.mode & needed) !== needed;
  });
  found.checkEmpty("modes", closed, "not accessible to you", `chmod u+rwX ${words(closed)}`);
  const program = mounts.find(({ name }) => name === "ccr")!;
  found.check(
    "helper",
    existsSync(join(program.source, "ccr.cjs")),
    "the container has no ccr: it is not installed here",
    "ccr install",
    true,
  );
}

function checkCopies({ path }: ShareFolder, found: Findings): void {
  const old = COPIED.filter((name) => {
    const source = join(configDirectory(), name);
    try {
      return !readFileSync(source).equals(readFileSync(join(path, "host", name)));
    } catch {
      return lstat(source) !== null;
    }
  });
  found.checkEmpty("copies", old, "older in the container", `${ADD} --refresh`);
  const own = COPIED.map((name) => join(path, "claude", name)).filter((name) => lstat(name)?.isFile());
  found.checkEmpty("own", own, "the container has its own copy", `rm ${words(own)} && ${ADD}`, true);
}

/** Checks the user's own mounts for those that fail without an error. */
function checkOwnMounts(text: string, found: Findings): void {
  let mounts: unknown;
  try {
    mounts = parseFile(text).value.mounts;
  } catch (error) {
    found.check("file", false, (error as Error).message, "fix devcontainer.json");
    return;
  }
  for (const mount of Array.isArray(mounts) ? mounts : []) {
    const form = object(mount);
    const source = form ? String(form.source) : (/(?:source|src)=([^,]*)/.exec(String(mount))?.[1] ?? "");
    const trap = (message: string, fix = "remove that mount"): void =>
      found.check("trap", false, `${source}: ${message}`, fix, true);
    if (/\/\.claude(?:\.json|\/settings\.json|\/CLAUDE\.md)$/.test(source))
      trap("mounted as a file: when the host saves it, the container keeps the old one");
    if (/\/\.claude(?:\/sessions)?\/?$/.test(source))
      trap("processes on both sides get mixed up in sessions/");
    if (form?.readonly)
      trap(
        "a mount in this form is not read-only",
        `"source=${source},target=${form.target},type=bind,readonly"`,
      );
  }
}

/** Checks from inside the container, in a directory of the project. */
export function checkInside(share: Share, directory: string): Report {
  const found = new Findings();
  const { host, target, container, isolated } = share;
  const mounts = mountsOf({ path: "/", record: null }, share);
  found.check(
    "directory",
    process.env.CLAUDE_CONFIG_DIR === target,
    `CLAUDE_CONFIG_DIR is not ${target}, which is the shared directory`,
    `export CLAUDE_CONFIG_DIR=${quote(target)}`,
  );
  const points = mountPoints();
  if (points) {
    const those = (wrong: (mount: Mount, readOnly: boolean | undefined) => boolean): string[] =>
      mounts
        .filter((mount) => wrong(mount, points.get(realPathOrSame(mount.target))))
        .map((mount) => mount.target);
    found.checkEmpty(
      "mounts",
      those((_, readOnly) => readOnly === undefined),
      "not mounted",
      rebuilt(host),
    );
    const open = those((mount, readOnly) => mount.readOnly && readOnly === false);
    found.checkEmpty(
      "read-only",
      open,
      "writable, but should be read-only",
      `${there(ADD)}, then ${rebuilt(host)}`,
    );
    const mixed = points.has(realPathOrSame(join(target, "sessions")));
    found.check("sessions", !mixed, "sessions/ is shared", "remove that mount from devcontainer.json");
    const stale = those(({ target: at, kind }) => kind === "file" && lstat(at)?.nlink === 0);
    found.checkEmpty("stale", stale, "replaced on the host meanwhile", "restart the container");
  }
  checkWritable(projectsDirectory(), host, found);
  const here = realPathOrSame(directory);
  found.check(
    "folder",
    `${here}/`.startsWith(`${container}/`),
    `this is ${here}; the project should be in ${container}`,
    `cd ${quote(container)}, or ${there(`set "workspaceFolder": "${here}", then ${ADD}`)}`,
    true,
  );
  if (!isolated && slug(container) !== slug(host)) {
    const link = { path: join(projectsDirectory(), slug(container)), to: slug(host) };
    const state = linkState(link);
    found.check(
      "history",
      state === "right",
      `the history of ${container} is not that of ${host}`,
      state === "none" ? linkCommand(link) : there(`${ADD} ${quote(host)}`),
    );
  }
  return { share, file: null, inside: true, mounts, findings: found.all };
}

/** Checks by writing a file: if projects/ is read-only, Claude Code answers, exits with 0 and saves nothing. */
function checkWritable(folder: string, host: string, found: Findings): void {
  const owner = stat(folder)?.uid;
  const foreign = owner !== undefined && owner !== uid() && uid() !== 0;
  let code: string | undefined;
  const probe = join(folder, `.ccr-${process.pid}.tmp`);
  try {
    closeSync(openSync(probe, "wx", 0o600));
    unlinkSync(probe);
  } catch (error) {
    code = errno(error) ?? "EIO";
  }
  found.check(
    "write",
    !code && !foreign,
    foreign ? `${folder} belongs to user ${owner}, you are ${uid()}` : `${folder}: ${code}`,
    foreign
      ? `${there(`set "updateRemoteUserUID": true and another "remoteUser"`)}, then ${rebuilt(host)}`
      : `${there(`chmod u+rwx ~/.claude/projects; ${ADD}`)}, then ${rebuilt(host)}`,
  );
}
