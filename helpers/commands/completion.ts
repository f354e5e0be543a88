import { uniqueLengths } from "../sessions/catalogue.ts";
import { type Session, sessionOf } from "../sessions/session.ts";
import { type Entry, type Newest, newest, newestOfAll, transcripts } from "../sessions/store.ts";
import { type Candidate, complete, linesOf, SHELLS, type Shell } from "../shell/candidates.ts";
import { installedName, setting } from "../shell/install.ts";
import { namesOf, PROGRAM } from "../shell/names.ts";
import { bashCompletion, fishCompletion, zshCompletion } from "../shell/texts.ts";
import { Problem } from "../system/problem.ts";
import { out, unicode } from "../terminal/output.ts";
import { clean, cut } from "../terminal/text.ts";
import { type Command, flagsOf } from "./command.ts";
import type { Verb } from "./verbs.ts";
import { projectNames } from "./view.ts";

const SCRIPTS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

const SHORT_ID = 8;
/** More sessions than this are no help: a few typed characters are. */
const MOST_SESSIONS = 50;
const ABOUT_WIDTH = 100;

/** The verb gets the list of verbs handed in: that list names this file. */
export const completion = (verbs: readonly Verb[]): Command => ({
  usage: "completion <shell> [-- words…]",
  about:
    "Prints the completion script for bash, zsh or fish. ccr install sets it up already; this is for other places.\nWith words: the candidates for a command line that ends with the last of them. The script asks so at every Tab.",
  flags: {},
  words: SHELLS,
  examples: [
    ["source <(ccr completion bash)", "completion in this bash"],
    ["ccr completion zsh > ~/.zfunc/__ccr_complete", "for a folder in zsh's fpath"],
    ["ccr completion fish | source", "completion in this fish"],
    ["ccr completion zsh -- ccr-list --ti", "what could be typed there"],
  ],
  async run({ words: [shell, ...line] }) {
    if (!isShell(shell)) {
      throw new Problem("usage", shell === undefined ? "which shell?" : `no completion for "${shell}".`, {
        hint: SHELLS.map((name) => `ccr completion ${name}`),
        exit: 2,
      });
    }
    const name = installedName() ?? PROGRAM;
    const names = namesOf(name, verbs);
    if (line.length === 0) {
      const { program } = setting(name, names);
      out(SCRIPTS[shell]({ program: program!, names }));
      return 0;
    }
    const loaded = verbs.map((verb) => ({
      ...verb,
      load: async () => {
        const command = await verb.load();
        return { ...command, flags: flagsOf(command) };
      },
    }));
    out(linesOf(await complete(line, names, loaded, { sessions, projects }), shell));
    return 0;
  },
});

const isShell = (word: string | undefined): word is Shell => SHELLS.some((name) => name === word);

/** Ids that begin so, as short as they are unique, newest first. */
function sessions(prefix: string): Candidate[] {
  if (!/^[0-9a-f-]{0,36}$/i.test(prefix)) return [];
  const wanted = prefix.toLowerCase();
  const { entries, unique } = wanted === "" ? newestOfAll(MOST_SESSIONS) : beginningWith(wanted);
  const found = sessionsOf(entries);
  const project = projectNames(found.map((session) => session.project));
  const between = unicode() ? " · " : ", ";
  return found.map(({ id, title, project: path }) => {
    const length = wanted.length > SHORT_ID ? id.length : Math.max(SHORT_ID, unique.get(id) ?? id.length);
    const about = [clean(title ?? "") || "(no title)", path === null ? "" : project(path)];
    return {
      word: prefix + id.slice(prefix.length, length),
      about: cut(about.filter(Boolean).join(between), ABOUT_WIDTH, unicode() ? "…" : "..."),
    };
  });
}

function beginningWith(prefix: string): Pick<Newest, "entries" | "unique"> {
  const all = transcripts((id) => id.toLowerCase().startsWith(prefix));
  return { entries: newest(all, MOST_SESSIONS), unique: uniqueLengths(all.map(({ id }) => id)) };
}

/** Names of the projects that were worked on last. */
function projects(): Candidate[] {
  const paths = sessionsOf(newestOfAll(MOST_SESSIONS).entries).map((session) => session.project);
  const name = projectNames(paths);
  return paths.flatMap((path) => (path === null ? [] : [{ word: name(path), about: clean(path) }]));
}

/** What is running does not matter here, and costs time. */
function sessionsOf(entries: readonly Entry[]): Session[] {
  const around = { now: Date.now(), live: new Map(), cleanupPeriod: Number.POSITIVE_INFINITY };
  return entries.map((entry) => sessionOf(entry, around));
}
