import { statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { liveSessions as registered } from "../claude/registry.ts";
import { displayName, type Live } from "../live/live-sessions.ts";
import { SEPARATOR, screenOf, tmux } from "../live/tmux.ts";
import { transcripts } from "../sessions/store.ts";
import { CONTROL_IN_LINES } from "../system/control-characters.ts";
import { Problem } from "../system/problem.ts";
import { writeStderr } from "../terminal/output.ts";
import { usageError } from "./usage-error.ts";

/** Time (ms) between two looks at the session. */
const STEP = 100;
/** Looks until typed text must have appeared on the screen. */
const TYPED_LOOKS = 30;
/** Looks until Claude must have begun; a command of Claude Code (`--raw`) may change nothing. */
const BEGUN_LOOKS = 100;
const RAW_LOOKS = 20;
/** A busy session queues the prompt and need not change: after this many looks it counts as queued. */
const QUEUED_LOOKS = 5;

/** Returns a prompt as it can be typed into Claude. Throws a Problem for an empty one and for a command of Claude Code. */
export function promptText(given: string, raw: boolean): string {
  // A backslash before Enter would start a new line.
  const text = given
    .replace(/\r\n?/g, "\n")
    .replace(CONTROL_IN_LINES, "")
    .replace(/^\n+|\s+$/g, "")
    .replace(/\\$/, "\\ ");
  if (text === "") throw usageError("the prompt is empty");
  if (/^\s*[!/]/.test(text) && !raw)
    throw new Problem("raw", `Claude Code runs text that begins with ${text.trim()[0]} as a command`, {
      hint: "to run it, add --raw",
      exit: 2,
    });
  return text;
}

/** Types a prompt into a live session and prints what happened. Returns the exit status: 1 when the session ended. */
export async function sendPrompt(live: Live, text: string, raw: boolean): Promise<number> {
  const title = displayName(live);
  const { pane, before } = requireReady(live);
  const transcript = transcriptSize(live.id);
  const size = transcript();
  await type(pane, text, title);
  const asks = rowOf(live);
  if (asks?.status === "waiting")
    throw new Problem("not-ready", `${title} is asking a question: ${asks.waitingFor ?? "unknown"}`, {
      hint: `the prompt was typed but not sent; attach to it: cct ${title}`,
    });
  await tmux(["send-keys", "-t", pane, "Enter"]);
  const looks = raw ? RAW_LOOKS : BEGUN_LOOKS;
  for (let look = 1; look <= looks; look++) {
    await sleep(STEP);
    const after = rowOf(live);
    if (!after) {
      writeStderr(`${title}: sent, and the session ended\n`);
      return 1;
    }
    if (after.status === "waiting") {
      writeStderr(`${title}: sent, and it asks: ${after.waitingFor ?? "a question"}     cct ${title}\n`);
      return 0;
    }
    const { status } = before;
    // A turn can be over before the registry shows it.
    const moved =
      after.status !== status ||
      after.statusAt !== before.statusAt ||
      (status === "idle" && transcript() > size);
    if (moved || (status === "busy" && (raw || look > QUEUED_LOOKS))) {
      writeStderr(`${title}: sent, ${resultOf(status, moved, title)}\n`);
      return 0;
    }
  }
  // A command of Claude Code may leave the state as it is.
  if (raw) {
    writeStderr(`${title}: sent\n`);
    return 0;
  }
  throw new Problem("not-taken", `${title} has the prompt but has not started`, {
    hint: `attach to it: cct ${title}`,
  });
}

const rowOf = ({ pid }: Live) => [...registered().values()].find((one) => one.pid === pid);

/** Returns the pane and the registry's row of a session that takes a prompt. Throws a Problem for any other. */
function requireReady(live: Live): { pane: string; before: NonNullable<ReturnType<typeof rowOf>> } {
  const { pane } = live;
  const before = rowOf(live);
  const status = before?.status ?? live.state;
  if (pane !== null && before?.status && (status === "idle" || status === "busy")) return { pane, before };
  const why = (): string => {
    if (pane === null) return "it does not run in tmux";
    if (status === "lazy") return "it starts on Enter";
    return before?.waitingFor ?? live.waitingFor ?? status;
  };
  const title = displayName(live);
  throw new Problem("not-ready", `${title} cannot take a prompt now: ${why()}`, {
    hint: `attach to it: cct ${title}`,
  });
}

/** Returns a function that gives the size of a session's transcript: 0 while there is none. */
function transcriptSize(id: string): () => number {
  let path: string | undefined;
  return () => {
    path ??= transcripts((one) => one.toLowerCase() === id)[0]?.path;
    try {
      return path === undefined ? 0 : statSync(path).size;
    } catch {
      // deleted or not accessible
      return 0;
    }
  };
}

/** Types text into a pane and waits until it is on the screen: an Enter that comes with the text can become part of it. */
async function type(pane: string, text: string, title: string): Promise<void> {
  const buffer = `ccr-${process.pid}`;
  const { ok, err } = await tmux(
    [
      ...["copy-mode", "-q", "-t", pane, SEPARATOR, "load-buffer", "-b", buffer, "-", SEPARATOR],
      ...["paste-buffer", "-p", "-d", "-r", "-b", buffer, "-t", pane],
    ],
    { input: text },
  );
  if (!ok)
    throw new Problem("tmux", `tmux could not type the prompt: ${err}`, {
      hint: `attach to it: cct ${title}`,
    });
  const beginning = `❯ ${text.split("\n", 1)[0]!.slice(0, 20)}`;
  const isShown = async (): Promise<boolean> => {
    const screen = ((await screenOf(pane)) ?? "").replaceAll("\u00a0", " ");
    return screen.includes(beginning) || screen.includes("❯ [Pasted text");
  };
  for (let left = TYPED_LOOKS; left > 0 && !(await isShown()); left--) await sleep(STEP);
}

/** What happened to a prompt that was sent to a session in `status`. */
function resultOf(status: string | null, moved: boolean, title: string): string {
  if (status === "idle") return "it is working";
  // The turn may have ended in a question in the meantime: the person should check.
  return moved ? `but its state changed meanwhile, check it: cct ${title}` : "queued";
}
