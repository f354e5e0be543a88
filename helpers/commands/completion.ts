import { projectsDirectory } from "../claude/places.ts";
import { type Command, type CommandEntry, flagsOf } from "../cli/command.ts";
import { type Candidate, complete, linesOf, SHELLS, type Shell } from "../cli/complete.ts";
import { projectNames } from "../cli/session-format.ts";
import { namesOf, PROGRAM } from "../install/names.ts";
import { installedName, setting } from "../install/places.ts";
import { entryOf, readCatalogue, uniqueLengths } from "../sessions/catalogue.ts";
import { type Session, sessionOf } from "../sessions/session.ts";
import {
  type Entry,
  type Newest,
  newestOfAll,
  readTranscript,
  timeOfEntry,
  transcripts,
} from "../sessions/store.ts";
import { Problem } from "../system/problem.ts";
import { clean } from "../terminal/clean.ts";
import { unicode, writeStdout } from "../terminal/output.ts";
import { cut } from "../terminal/text.ts";

const SHORT_ID = 8;
/** For nothing typed more are no help: a few characters are. */
const MOST_SESSIONS = 20;
const MOST_READ = 5;
const ABOUT_WIDTH = 100;

/** The list of commands is passed in because that list imports this file. */
export const completion = (commands: readonly CommandEntry[]): Command => ({
  usage: "completion <shell> [-- words…]",
  description:
    "Prints the completion script for bash, zsh or fish. ccr install sets it up already; this is for other places. With words: the candidates for a command line that ends with the last of them. The script asks so at every Tab.",
  flags: {},
  positionals: SHELLS,
  examples: [
    ["source <(ccr completion bash)", "completion in this bash"],
    ["ccr completion zsh > ~/.zfunc/__ccr_complete", "for a folder in zsh's fpath"],
    ["ccr completion fish | source", "completion in this fish"],
    ["ccr completion zsh -- ccr-list --ti", "what could be typed there"],
  ],
  async run({ positionals: [shell, ...line] }) {
    if (!isShell(shell)) {
      throw new Problem("usage", shell === undefined ? "which shell?" : `no completion for "${shell}".`, {
        hint: SHELLS.map((name) => `ccr completion ${name}`),
        exit: 2,
      });
    }
    const name = installedName() ?? PROGRAM;
    const names = namesOf(name, commands);
    if (line.length === 0) {
      const { program } = setting(name, names);
      // At a Tab these texts would only be in the way.
      const { bashCompletion, fishCompletion, zshCompletion } = await import("../install/texts.ts");
      const script = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion }[shell];
      writeStdout(script({ program: program!, names }));
      return 0;
    }
    const loaded = commands.map((entry) => ({
      ...entry,
      load: async () => {
        const command = await entry.load();
        return { ...command, flags: flagsOf(command) };
      },
    }));
    writeStdout(linesOf(await complete(line, names, loaded, { sessions, projects }), shell));
    return 0;
  },
});

const isShell = (word: string | undefined): word is Shell => SHELLS.some((name) => name === word);

/** Ids that begin so, as short as they are unique, newest first. */
function sessions(prefix: string): Candidate[] {
  if (!/^[0-9a-f-]{0,36}$/i.test(prefix)) return [];
  const { entries, unique } =
    prefix === "" ? newestOfAll(MOST_SESSIONS) : beginningWith(prefix.toLowerCase());
  const found = sessionsOf(entries);
  const project = projectNames(found.map((session) => session.project));
  const between = unicode() ? " · " : ", ";
  return found.map(({ id, title, project: path }, i) => {
    const length = prefix.length > SHORT_ID ? id.length : Math.max(SHORT_ID, unique.get(id) ?? id.length);
    const known = entries[i]!.facts !== null;
    const about = [known ? clean(title ?? "") || "(no title)" : "", path === null ? "" : project(path)];
    return {
      // what was typed stays as it was typed
      word: prefix + id.slice(prefix.length, length),
      description: cut(about.filter(Boolean).join(between), ABOUT_WIDTH, unicode() ? "…" : "..."),
    };
  });
}

/**
 * Every id that fits is offered, else the shell would take too much for what all have in common; only a few of the
 * transcripts that no list has looked at lately are read for it.
 */
function beginningWith(prefix: string): Pick<Newest, "entries" | "unique"> {
  const all = transcripts((id) => id.toLowerCase().startsWith(prefix)).sort((a, b) => b.mtime - a.mtime);
  const rows = new Map(readCatalogue(projectsDirectory(), false)?.rows.map((row) => [row.path, row]));
  let left = MOST_READ;
  const entries = all.map((transcript): Entry => {
    const row = rows.get(transcript.path);
    const same = row?.bytes === transcript.bytes && row.mtime === transcript.mtime;
    const known = same ? entryOf(row) : left-- > 0 ? readTranscript(transcript) : null;
    return known ?? { ...transcript, facts: null, unreadable: null };
  });
  entries.sort((a, b) => timeOfEntry(b) - timeOfEntry(a));
  return { entries, unique: uniqueLengths(all.map(({ id }) => id)) };
}

/** Names of the projects that were worked on last. */
function projects(): Candidate[] {
  const paths = sessionsOf(newestOfAll(MOST_SESSIONS).entries).map((session) => session.project);
  const name = projectNames(paths);
  return paths.flatMap((path) => (path === null ? [] : [{ word: name(path), description: clean(path) }]));
}

/** What is running does not matter here, and costs time. */
function sessionsOf(entries: readonly Entry[]): Session[] {
  const context = { now: Date.now(), live: new Map(), cleanupPeriod: Number.POSITIVE_INFINITY };
  return entries.map((entry) => sessionOf(entry, context));
}
