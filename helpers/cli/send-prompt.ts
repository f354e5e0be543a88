import { statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { liveSessions as registered } from "../claude/registry.ts";
import { displayName, type Live } from "../live/live-sessions.ts";
import { SEPARATOR, screenOf, tmux } from "../live/tmux.ts";
import { transcripts } from "../sessions/store.ts";
import { CONTROL_IN_LINES } from "../system/control-characters.ts";
import { Problem } from "../system/problem.ts";
import { writeStderr } from "../terminal/output.ts";

/** The text as it can be typed into Claude. Throws a Problem for an empty text, and for one that Claude would run. */
export function promptText(given: string, raw: boolean): string {
  // A backslash before Enter would be a new line.
  const text = given
    .replace(/\r\n?/g, "\n")
    .replace(CONTROL_IN_LINES, "")
    .replace(/^\n+|\s+$/g, "")
    .replace(/\\$/, "\\ ");
  if (text === "") throw new Problem("usage", "there is nothing to send.", { exit: 2 });
  if (/^\s*[!/]/.test(text) && !raw)
    throw new Problem("raw", `Claude Code would run a text that begins with ${text.trim()[0]}.`, {
      hint: "when that is meant: --raw",
      exit: 2,
    });
  return text;
}

/** Types a prompt into a live session and says what came of it. Gives the exit status: 1 when the session has ended. */
export async function sendPrompt(live: Live, text: string, raw: boolean): Promise<number> {
  const { pane, pid } = live;
  const title = displayName(live);
  const now = () => [...registered().values()].find((one) => one.pid === pid);
  const before = now();
  const status = before?.status ?? live.state;
  if (pane === null || (status !== "idle" && status !== "busy") || !before?.status)
    throw new Problem(
      "not-ready",
      `${title} takes no text now: ${pane === null ? "it runs in no tmux" : status === "lazy" ? "it starts on Enter" : (before?.waitingFor ?? live.waitingFor ?? status)}.`,
      { hint: `go there: cct ${title}` },
    );
  // A new session has no transcript yet: it is looked for until it is there.
  let path: string | undefined;
  const written = (): number => {
    path ??= transcripts((one) => one.toLowerCase() === live.id)[0]?.path;
    try {
      return path === undefined ? 0 : statSync(path).size;
    } catch {
      // gone, or not to be looked at
      return 0;
    }
  };
  const size = written();
  const buffer = `ccr-${process.pid}`;
  const { ok, err } = await tmux(
    [
      ...["copy-mode", "-q", "-t", pane, SEPARATOR, "load-buffer", "-b", buffer, "-", SEPARATOR],
      ...["paste-buffer", "-p", "-d", "-r", "-b", buffer, "-t", pane],
    ],
    { input: text },
  );
  if (!ok) throw new Problem("tmux", `tmux could not type: ${err}.`, { hint: `cct ${title}` });
  // An Enter that comes with the text can become part of it.
  const begins = `❯ ${text.split("\n", 1)[0]!.slice(0, 20)}`;
  const stands = async (): Promise<boolean> => {
    const screen = ((await screenOf(pane)) ?? "").replaceAll("\u00a0", " ");
    return screen.includes(begins) || screen.includes("❯ [Pasted text");
  };
  for (let left = 30; left > 0 && !(await stands()); left--) await sleep(100);
  const asks = now();
  if (asks?.status === "waiting")
    throw new Problem("not-ready", `${title} asks meanwhile: ${asks.waitingFor ?? "a question"}.`, {
      hint: `the text is typed, and not sent: cct ${title}`,
    });
  await tmux(["send-keys", "-t", pane, "Enter"]);
  for (let left = raw ? 20 : 100; left > 0; left--) {
    await sleep(100);
    const after = now();
    if (!after) {
      writeStderr(`${title}: sent, and it ended\n`);
      return 1;
    }
    if (after.status === "waiting") {
      writeStderr(`${title}: sent, and it asks: ${after.waitingFor ?? "a question"}     cct ${title}\n`);
      return 0;
    }
    // A turn can be over before the registry has heard of it.
    const moved =
      after.status !== status ||
      after.statusAt !== before.statusAt ||
      (status === "idle" && written() > size);
    // A question can come up between the look and the typing: a turn that is not the same is told.
    if (status === "busy" ? moved || left < 96 : moved) {
      const what =
        status === "idle"
          ? "it is working"
          : moved
            ? `it went on meanwhile, look: cct ${title}`
            : "next in line";
      writeStderr(`${title}: sent, ${what}\n`);
      return 0;
    }
  }
  // A command of Claude Code need not change its state.
  if (raw) {
    writeStderr(`${title}: sent\n`);
    return 0;
  }
  throw new Problem("not-taken", `${title} has the text, and has not begun.`, {
    hint: `look there: cct ${title}`,
  });
}
