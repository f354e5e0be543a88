import {
  snapshots as all,
  deleteSnapshots,
  rollBack,
  type Snapshot,
  takeSnapshot,
} from "../history/snapshot.ts";
import { look } from "../system/staged-file.ts";
import { surroundings } from "../sessions/context.ts";
import { checkedOut } from "../sessions/branch.ts";
import { uniqueLengths } from "../sessions/catalogue.ts";
import { startOf } from "../sessions/session.ts";
import { type Entry, idsOfAll } from "../sessions/store.ts";
import { quote } from "../system/handoff.ts";
import { smallHeap } from "../system/heap.ts";
import { Problem } from "../system/problem.ts";
import { many, size } from "../terminal/amount.ts";
import { ask } from "../terminal/ask.ts";
import { clean } from "../terminal/clean.ts";
import { json } from "../terminal/json.ts";
import { out, say } from "../terminal/output.ts";
import { table } from "../terminal/table.ts";
import { time } from "../terminal/time.ts";
import { type Call, type Command, on, text } from "../cli/command.ts";
import { leftOut } from "./export.ts";
import { entryNamed } from "../cli/resolve-session.ts";
import { idCell, nextLine, projectNames, tableLook } from "../cli/session-format.ts";

async function headOf(directory: string | null): Promise<Snapshot["git"]> {
  if (!directory?.startsWith("/") || directory.includes("\0")) return null;
  const { capture } = await import("../system/run.ts");
  const commit = (await capture("git", ["-C", directory, "rev-parse", "HEAD"]))?.trim() ?? "";
  return /^[0-9a-f]{40,64}$/.test(commit) ? { commit, branch: checkedOut(directory) } : null;
}

const take = async (call: Call, entry: Entry, note: string | null) =>
  takeSnapshot(entry, note, await headOf(startOf(entry)), leftOut(call));

const snapshotJson = ({ files, ...rest }: Snapshot) => ({
  ...rest,
  bytes: files.reduce((sum, file) => sum + file.size, 0),
});

const usage = (verb: string, what: string): Problem =>
  new Problem("usage", what, { hint: `ccr ${verb} --help`, exit: 2 });

export const snapshot: Command = {
  usage: "snapshot <session> [-m note]",
  about:
    "Keeps the present state of a session, to come back to with ccr rollback; the commit of its project is noted. Snapshots share what is equal. Claude Code does not delete them.",
  flags: { message: { type: "string", short: "m", value: "note", about: "a note, for the list" } },
  words: "session",
  most: 1,
  json: true,
  examples: [
    ['ccr snapshot 4bb6 -m "before the refactoring"', "keep it"],
    ["ccr snapshot .", "the newest session here"],
  ],
  async run(call) {
    const [word] = call.words;
    if (word === undefined) throw usage("snapshot", "which session?");
    await smallHeap();
    const { snapshot: made, fresh } = await take(call, entryNamed(word), text(call, "message") ?? null);
    if (call.json) json("snapshot", { snapshot: snapshotJson(made) }, call.warnings);
    else {
      const short = made.session.slice(0, 8);
      out(`${short}: snapshot ${made.id}, ${size(snapshotJson(made).bytes)}, ${size(fresh)} more on disk\n`);
      out(nextLine([`go back  ccr rollback ${short} ${made.id}`]));
    }
    return 0;
  },
};

export const snapshots: Command = {
  usage: "snapshots [session] | --delete <snapshot>... [flags]",
  about:
    "Lists snapshots, newest first. Those of sessions that are deleted are there too. --delete deletes some of them, and nothing else of their sessions.",
  flags: {
    delete: { type: "boolean", about: "delete the named snapshots" },
    force: { type: "boolean", short: "f", about: "do not ask" },
  },
  words: "session",
  json: true,
  examples: [
    ["ccr snapshots 4bb6", "of one session"],
    ["ccr snapshots --delete 9f3a 01c2", "be rid of two, by the beginnings of their ids"],
  ],
  run(call) {
    if (on(call, "delete")) return remove(call);
    if (call.words.length > 1) throw usage("snapshots", "of which session?");
    const found = snapshotsOf(call.words[0]);
    if (call.json) printJson(call, found);
    else if (found.length === 0) say("no snapshots yet\n     keep one  ccr snapshot SESSION\n");
    else {
      const name = projectNames(found.map(({ project }) => project));
      const unique = uniqueLengths([...new Set([...idsOfAll(), ...found.map(({ session }) => session)])]);
      const rows = found.map((one) => [
        time(Date.parse(one.at), "short", Date.now()),
        one.id,
        idCell(one.session, unique),
        name(one.project),
        size(snapshotJson(one).bytes),
        one.git?.commit.slice(0, 7) ?? "",
        one.note ?? one.lastPrompt ?? "",
      ]);
      const titles = ["TIME", "SNAPSHOT", "SESSION", "PROJECT", "SIZE", "COMMIT", "NOTE"];
      out(
        `${table(
          titles.map((title, i) => ({ title, flexible: i === 3 || i === 6 })),
          rows,
          tableLook(),
        ).join("\n")}\n`,
      );
      out(nextLine(["go back  ccr rollback SESSION SNAPSHOT"]));
    }
    return 0;
  },
};

const printJson = (call: Call, list: Snapshot[], deleted: string[] = [], freed = 0): void =>
  json("snapshots", { snapshots: list.map(snapshotJson), deleted, freed }, call.warnings);

function remove(call: Call): number {
  if (call.words.length === 0) throw usage("snapshots", "which snapshots?");
  const known = all();
  const chosen = [...new Set(call.words.map((word) => only(known, word, "ccr snapshots")))];
  const bytes = size(chosen.reduce((sum, one) => sum + snapshotJson(one).bytes, 0));
  if (!on(call, "force")) {
    const answer = call.json ? null : ask(`Delete ${many(chosen.length, "snapshot")} (${bytes})?`);
    if (answer === null)
      throw new Problem("not-asked", "a snapshot that is deleted is gone for good.", {
        hint: `ccr snapshots --delete --force ${chosen.map(({ id }) => id).join(" ")}`,
        exit: 2,
      });
    if (!answer) return 1;
  }
  const freed = deleteSnapshots(chosen);
  const ids = chosen.map(({ id }) => id);
  if (call.json) printJson(call, all(), ids, freed);
  else say(`${many(chosen.length, "snapshot")} deleted, ${size(freed)} freed\n`);
  return 0;
}

/** The snapshot whose id starts with a word. */
function only(some: readonly Snapshot[], word: string, hint: string): Snapshot {
  const [found, ...others] = word === "" ? [] : some.filter(({ id }) => id.startsWith(word.toLowerCase()));
  if (found && others.length === 0) return found;
  throw new Problem(
    "no-snapshot",
    `${found ? "several snapshots start" : "no snapshot starts"} with "${word}".`,
    {
      hint,
      exit: found ? 2 : 1,
    },
  );
}

/** The snapshots of the session that a word names; of all without one. A deleted session is named by its id. */
function snapshotsOf(word: string | undefined): Snapshot[] {
  if (word === undefined) return all();
  const found = word.length < 4 ? [] : all((id) => id.startsWith(word.toLowerCase()));
  if (new Set(found.map(({ session }) => session)).size === 1) return found;
  const { id } = entryNamed(word);
  return all((session) => session === id);
}

export const rollback: Command = {
  usage: "rollback <session> <snapshot>",
  about:
    "Brings a session back to a snapshot. Its present state becomes a snapshot first, so this can be undone. A session that is running is left alone. A deleted session comes back.",
  flags: {},
  words: "session",
  most: 2,
  json: true,
  examples: [
    ["ccr rollback 4bb6 9f3a", "go back; 9f3a is the beginning of a snapshot's id"],
    ["ccr snapshots 4bb6", "the snapshots to choose from"],
  ],
  async run(call) {
    const [word, wanted] = call.words;
    if (word === undefined || wanted === undefined)
      throw usage("rollback", "which session, to which snapshot?");
    await smallHeap();
    const mine = snapshotsOf(word);
    const target = only(mine, wanted, `ccr snapshots ${quote(word)}`);
    const { session } = target;
    const short = session.slice(0, 8);
    const ready = (): void => {
      if (!surroundings().live.has(session)) return;
      throw new Problem("live", `${short} is running: its transcript is not touched.`, {
        hint: ["leave it first, then run this again", `or work in a copy: ccr fork ${short}`],
      });
    };
    ready();
    const present = presentOf(session);
    const stats = present && look(present.path);
    const before = present && (await take(call, present, `before the rollback to ${target.id}`)).snapshot;
    await rollBack(target, present && stats && { path: present.path, stats }, ready);
    if (call.json) {
      json(
        "rollback",
        { snapshot: snapshotJson(target), before: before && snapshotJson(before) },
        call.warnings,
      );
      return 0;
    }
    out(`${short}: as in snapshot ${target.id} of ${time(Date.parse(target.at), "local", Date.now())}\n`);
    const { commit } = target.git ?? {};
    const project = target.project ?? "";
    out(
      nextLine([
        `resume  ccr ${short}`,
        ...(before ? [`undo  ccr rollback ${short} ${before.id}`] : []),
        ...(commit !== undefined && commit !== (await headOf(project))?.commit
          ? [`its code  git -C ${quote(clean(project))} checkout ${commit.slice(0, 12)}`]
          : []),
      ]),
    );
    return 0;
  },
};

/** A session that still has a transcript. */
function presentOf(id: string): Entry | null {
  try {
    return entryNamed(id);
  } catch (error) {
    if (error instanceof Problem && ["deleted", "no-session"].includes(error.kind)) return null;
    throw error;
  }
}
