import { projectsDirectory } from "../claude/places.ts";
import { type Command, type CommandEntry, flagsOf } from "../cli/command.ts";
import { type Candidate, complete, linesOf, SHELLS, type Shell } from "../cli/complete.ts";
import { projectNames } from "../cli/session-format.ts";
import { invalidValue, usageError } from "../cli/usage-error.ts";
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
import { clean } from "../terminal/clean.ts";
import { unicode, writeStdout } from "../terminal/output.ts";
import { cut } from "../terminal/text.ts";

const SHORT_ID = 8;
/** More sessions do not help when nothing is typed yet. */
const MOST_SESSIONS = 20;
/** How many transcripts are read that are in no cache. */
const MOST_READ = 5;
const ABOUT_WIDTH = 100;

/** The list of commands is passed in because that list imports this file. */
export const completion = (commands: readonly CommandEntry[]): Command => ({
  usage: "completion <shell> [-- words…]",
  description:
    "Prints the completion script for bash, zsh or fish. ccr install sets it up already; use this elsewhere. With words after --, prints the completions of that command line; the script calls it at every Tab.",
  flags: {},
  positionals: SHELLS,
  examples: [
    ["source <(ccr completion bash)", "enable completion in this bash"],
    ["ccr completion zsh > ~/.zfunc/__ccr_complete", "write the script to a directory in zsh's fpath"],
    ["ccr completion fish | source", "enable completion in this fish"],
    ["ccr completion zsh -- ccr-list --ti", "print the completions of this command line"],
  ],
  async run({ positionals: [shell, ...line] }) {
    if (!isShell(shell)) {
      throw shell === undefined
        ? usageError(
            "missing argument: <shell>",
            SHELLS.map((name) => `run: ccr completion ${name}`),
          )
        : invalidValue("shell", shell, "bash, zsh or fish");
    }
    const name = installedName() ?? PROGRAM;
    const names = namesOf(name, commands);
    if (line.length === 0) {
      const { program } = setting(name, names);
      // Loaded only here, because a Tab does not need these texts.
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

/** Returns sessions whose ids start with `prefix`, newest first. The words are as short as they are unique. */
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
      // Keep the case of what was typed.
      word: prefix + id.slice(prefix.length, length),
      description: cut(about.filter(Boolean).join(between), ABOUT_WIDTH, unicode() ? "…" : "..."),
    };
  });
}

/**
 * Returns all sessions whose ids start with `prefix`: with fewer, the shell would insert a wrong common beginning. Reads
 * only a few of the transcripts that are not in the cache.
 */
function beginningWith(prefix: string): Pick<Newest, "entries" | "unique"> {
  const all = transcripts((id) => id.toLowerCase().startsWith(prefix)).sort((a, b) => b.mtime - a.mtime);
  const rows = new Map(readCatalogue(projectsDirectory(), false)?.rows.map((row) => [row.path, row]));
  let left = MOST_READ;
  const entries = all.map((transcript): Entry => {
    const row = rows.get(transcript.path);
    const isCached = row?.bytes === transcript.bytes && row.mtime === transcript.mtime;
    const readNow = (): Entry | null => (left-- > 0 ? readTranscript(transcript) : null);
    const known = isCached ? entryOf(row) : readNow();
    return known ?? { ...transcript, facts: null, unreadable: null };
  });
  entries.sort((a, b) => timeOfEntry(b) - timeOfEntry(a));
  return { entries, unique: uniqueLengths(all.map(({ id }) => id)) };
}

/** Returns the names of the most recent projects. */
function projects(): Candidate[] {
  const paths = sessionsOf(newestOfAll(MOST_SESSIONS).entries).map((session) => session.project);
  const name = projectNames(paths);
  return paths.flatMap((path) => (path === null ? [] : [{ word: name(path), description: clean(path) }]));
}

/** Returns sessions without their live state, which is not needed here and takes time to find. */
function sessionsOf(entries: readonly Entry[]): Session[] {
  const context = { now: Date.now(), live: new Map(), cleanupPeriod: Number.POSITIVE_INFINITY };
  return entries.map((entry) => sessionOf(entry, context));
}
