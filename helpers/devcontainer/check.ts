// Is it shared, and does it work? Looked at from the host and from inside of the container; nothing is changed.

import { closeSync, existsSync, openSync, readFileSync, statSync, unlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { configDirectory, projectsDirectory, slug } from "../claude/places.ts";
import { object } from "../claude/rows.ts";
import { quote } from "../system/handoff.ts";
import { errno } from "../system/problem.ts";
import { MARK, parseFile } from "./edit.ts";
import { configFiles } from "./file.ts";
import { linkCommand, linkOf, linkState } from "./link.ts";
import { COPIED, type Mount, mountsOf } from "./mounts.ts";
import { lstat, type Place, placeOf, real, type Share } from "./place.ts";

export type Finding = { what: string; state: "ok" | "note" | "wrong"; message: string; mend: string | null };

export type Report = {
  share: Share | null;
  file: string | null;
  inside: boolean;
  mounts: Mount[];
  findings: Finding[];
};

const ADD = "ccr devcontainer add";
const REBUILD = (host: string): string =>
  `devcontainer up --remove-existing-container --workspace-folder ${quote(host)}`;

class Findings {
  readonly all: Finding[] = [];
  /** One line: fine, or what is wrong and what to type. */
  see(what: string, fine: boolean, good: string, bad: string, mend: string | null, note = false): void {
    const state = fine ? "ok" : note ? "note" : "wrong";
    this.all.push({ what, state, message: fine ? good : bad, mend: fine ? null : mend });
  }
}

const uid = (): number => process.getuid?.() ?? -1;
const ownerOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.uid;

/** From the host. */
export function checkHost(host: string): Report {
  const place = placeOf(host);
  const { record } = place;
  const found = new Findings();
  const file = record?.file ?? configFiles(host)[0] ?? null;
  const text = file !== null && existsSync(file) ? readFileSync(file, "utf8") : null;
  if (!record) {
    const foreign = text?.includes(MARK) === true;
    found.see(
      "shared",
      false,
      "",
      file === null
        ? `there is no devcontainer.json in ${host}`
        : foreign
          ? "devcontainer.json has lines of another home's ccr"
          : "nothing is shared with a container of this project",
      foreign ? `take them out (below "// ccr:"), then: ${ADD}` : `${ADD} ${quote(host)}`,
    );
    if (text !== null) others(text, found);
    return { share: null, file, inside: false, mounts: [], findings: found.all };
  }
  const whole = text !== null && record.edits.every(([, after]) => text.includes(after));
  const lost = text === null ? "is gone" : "lost ccr's lines, or they were changed";
  found.see("shared", whole, `devcontainer.json has ccr's lines`, `${file} ${lost}`, ADD);
  const { override } = record;
  if (override)
    found.see(
      "compose",
      existsSync(override.path),
      `${basename(override.path)} is there`,
      `${override.path} is gone`,
      ADD,
    );
  const mounts = mountsOf(place, record);
  sources(mounts, found);
  if (!record.isolated) {
    const link = linkOf(record);
    found.see(
      "history",
      !link || linkState(link) === "right",
      `${record.container} and ${host} have one history`,
      `the container's history of ${record.container} is not the host's`,
      ADD,
    );
    copies(place, found);
  }
  for (const name of record.env)
    found.see(
      "environment",
      Boolean(process.env[name]),
      `${name} is handed in`,
      `${name} is not set here`,
      `export ${name}=…`,
      true,
    );
  if (text !== null) others(text, found);
  return { share: record, file, inside: false, mounts, findings: found.all };
}

function sources(mounts: readonly Mount[], found: Findings): void {
  const missing = mounts.filter(({ source, kind }) => {
    const stat = statSync(source, { throwIfNoEntry: false });
    return kind === "folder" ? !stat?.isDirectory() : !stat?.isFile();
  });
  const names = missing.map(({ source }) => source).join(", ");
  found.see(
    "sources",
    missing.length === 0,
    "all that is bound is there",
    `what is bound is not there: ${names}`,
    ADD,
  );
  const strange = mounts.filter(
    ({ source, readOnly }) => !readOnly && ![uid(), undefined].includes(ownerOf(source)),
  );
  found.see(
    "owner",
    strange.length === 0,
    "all of it is yours",
    `not yours: ${strange.map(({ source }) => source).join(", ")}`,
    `sudo chown -R ${uid()} ${strange.map(({ source }) => quote(source)).join(" ")}`,
  );
  const closed = mounts.filter(({ source, kind }) => {
    const mode = statSync(source, { throwIfNoEntry: false })?.mode ?? 0o700;
    return (mode & (kind === "folder" ? 0o700 : 0o600)) !== (kind === "folder" ? 0o700 : 0o600);
  });
  if (closed.length > 0)
    found.see(
      "modes",
      false,
      "",
      `not open to you: ${closed.map(({ source }) => source).join(", ")}`,
      `chmod u+rwX ${closed.map(({ source }) => quote(source)).join(" ")}`,
    );
  const program = mounts.find(({ name }) => name === "ccr");
  found.see(
    "helper",
    !program || existsSync(join(program.source, "ccr.cjs")),
    "the container has ccr, too",
    "ccr is not installed here, so the container has none",
    "ccr install",
    true,
  );
}

function copies({ path }: Place, found: Findings): void {
  const same = (name: string): boolean => {
    try {
      return readFileSync(join(configDirectory(), name)).equals(readFileSync(join(path, "host", name)));
    } catch {
      return !lstat(join(configDirectory(), name));
    }
  };
  const old = COPIED.filter((name) => !same(name));
  found.see(
    "copies",
    old.length === 0,
    "the container reads the present settings",
    `older in the container: ${old.join(", ")}`,
    `${ADD} --refresh`,
  );
  const own = COPIED.filter((name) => lstat(join(path, "claude", name))?.isFile());
  if (own.length > 0)
    found.see(
      "own",
      false,
      "",
      `the container has its own ${own.join(", ")}`,
      `rm ${own.map((name) => quote(join(path, "claude", name))).join(" ")} && ${ADD}`,
      true,
    );
}

/** Mounts of the person's own that lead into a trap. */
function others(text: string, found: Findings): void {
  let mounts: unknown;
  try {
    mounts = parseFile(text).value.mounts;
  } catch (error) {
    found.see("file", false, "", (error as Error).message, "mend devcontainer.json");
    return;
  }
  for (const mount of Array.isArray(mounts) ? mounts : []) {
    const form = object(mount);
    const source = form ? String(form.source) : (/(?:source|src)=([^,]*)/.exec(String(mount))?.[1] ?? "");
    const name = /\/(\.claude\.json|\.claude\/settings\.json|\.claude\/CLAUDE\.md)$/.exec(source)?.[1];
    if (name !== undefined)
      found.see(
        "trap",
        false,
        "",
        `${name} is bound as a file: after the host saves it, the container has an old one for ever`,
        "take that mount out",
        true,
      );
    if (form?.readonly)
      found.see(
        "trap",
        false,
        "",
        `the object form of a mount is not read-only: ${source}`,
        `write it as "source=${source},target=${form.target},type=bind,readonly"`,
        true,
      );
    if (/\/\.claude(?:\/sessions)?\/?$/.test(source) && !source.includes("devcontainers/"))
      found.see(
        "trap",
        false,
        "",
        `${source} is shared whole: processes of both sides mix up in sessions/`,
        "take that mount out",
        true,
      );
  }
}

type MountPoint = { readOnly: boolean };

/** Mount points of this namespace. */
function mountPoints(): Map<string, MountPoint> | null {
  try {
    const points = new Map<string, MountPoint>();
    for (const line of readFileSync("/proc/self/mountinfo", "utf8").split("\n")) {
      const [, , , , at, options] = line.split(" ");
      const path = at?.replace(/\\(\d{3})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 8)));
      if (path && options) points.set(path, { readOnly: options.split(",").includes("ro") });
    }
    return points;
  } catch {
    return null;
  }
}

/** From inside of the container, in a directory of the project. */
export function checkInside(share: Share, directory: string): Report {
  const found = new Findings();
  const { host, target, container, isolated } = share;
  const config = configDirectory();
  const mounts = mountsOf({ path: "", record: null }, share);
  found.see(
    "directory",
    config === target && process.env.CLAUDE_CONFIG_DIR === target,
    `Claude's files are in ${target}`,
    `Claude's files are in ${config}, and ${target} is what is shared`,
    `export CLAUDE_CONFIG_DIR=${quote(target)}`,
  );
  const points = mountPoints();
  if (points) {
    const missing = mounts.filter(({ target: at }) => !points.has(real(at)));
    found.see(
      "mounts",
      missing.length === 0,
      `${mounts.length} mounts are there`,
      `not mounted: ${missing.map(({ name }) => name || target).join(", ")}`,
      `on the host: ${REBUILD(host)}`,
    );
    const open = mounts.filter(
      ({ target: at, readOnly }) => readOnly && points.get(real(at))?.readOnly === false,
    );
    found.see(
      "read-only",
      open.length === 0,
      "the host's configuration cannot be written",
      `can be written: ${open.map(({ name }) => name).join(", ")}`,
      `on the host: ${ADD} && ${REBUILD(host)}`,
    );
    found.see(
      "sessions",
      !points.has(real(join(target, "sessions"))),
      "sessions/ is the container's own",
      "sessions/ is shared: processes of both sides mix up",
      "take that mount out of devcontainer.json",
    );
    const stale = mounts.filter(({ target: at, kind }) => kind === "file" && lstat(at)?.nlink === 0);
    if (stale.length > 0)
      found.see(
        "stale",
        false,
        "",
        `${stale.map(({ name }) => name)} was replaced on the host`,
        "restart the container",
      );
  }
  writable(isolated ? join(target, "projects") : projectsDirectory(), host, found);
  const here = real(directory);
  const within = here === container || here.startsWith(`${container}/`);
  found.see(
    "folder",
    within,
    `the project is in ${container}`,
    `this is ${here}; the project should be in ${container}`,
    `cd ${quote(container)}, or set "workspaceFolder": "${here}" on the host, then there: ${ADD}`,
    true,
  );
  if (!isolated && slug(container) !== slug(host)) {
    const link = { path: join(projectsDirectory(), slug(container)), to: slug(host) };
    const state = linkState(link);
    found.see(
      "history",
      state === "right",
      `one history with ${host}`,
      `the history of ${container} is not that of ${host}`,
      state === "none" ? linkCommand(link) : `on the host: ${ADD} ${quote(host)}`,
    );
  }
  return { share, file: null, inside: true, mounts, findings: found.all };
}

/** Only a write shows it: with projects/ read-only the CLI answers, ends with 0 and saves nothing. */
function writable(folder: string, host: string, found: Findings): void {
  const owner = ownerOf(folder);
  const foreign = owner !== undefined && owner !== uid() && uid() !== 0;
  let code: string | undefined;
  const probe = join(folder, `.ccr-${process.pid}.tmp`);
  try {
    closeSync(openSync(probe, "wx", 0o600));
    unlinkSync(probe);
  } catch (error) {
    code = errno(error) ?? "EIO";
  }
  found.see(
    "write",
    !code && !foreign,
    "sessions can be saved",
    foreign ? `${folder} belongs to user ${owner}, and you are user ${uid()}` : `${folder}: ${code}`,
    foreign
      ? `set "updateRemoteUserUID": true and a "remoteUser" that no other user's id stands against, then on the host: ${REBUILD(host)}`
      : code === "EROFS"
        ? `on the host: ${ADD} && ${REBUILD(host)}`
        : `on the host: mkdir -p ~/.claude/projects && chmod u+rwx ~/.claude/projects`,
  );
}
