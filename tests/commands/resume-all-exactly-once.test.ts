// Real processes: several ccra at once over the same sessions, some of them killed anywhere.
// CCR_ROUNDS=50 runs the full measure; a normal run takes a part of it.

import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type LimitedHome, limitedHome } from "../support/limited-home.ts";
import { start } from "../support/program.ts";
import { waitFor } from "../support/wait-for.ts";

const ROUNDS = Number(process.env.CCR_ROUNDS ?? 3);

const HEADLESS = ["resume-all", "--headless", "--interval", "0", "--json"];

async function quiet(home: LimitedHome, sessions: string[]): Promise<void> {
  const done = () =>
    home.started().length >= sessions.length && sessions.every((id) => home.continued(id) > 0);
  // After its bound the assertions say better what is missing.
  await waitFor(done, "every session is resumed").catch(() => {});
  // A second prompt, the mistake that is looked for, would follow within this time.
  await sleep(300);
}

describe.concurrent("every limited session is resumed exactly once", {
  timeout: 60_000 + ROUNDS * 40_000,
}, () => {
  it(`by 10 ccra at the same time over 20 sessions, random ones killed with -9 (${ROUNDS} rounds)`, async () => {
    let killed = 0;
    let leftOver = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const home = limitedHome();
      try {
        const sessions = Array.from({ length: 20 }, () => home.limited());
        const runs = Array.from({ length: 10 }, () => start(home, HEADLESS));
        // All of them, some of them, none of them.
        const victims = runs.filter(() => Math.random() < [1, 0.5, 0][round % 3]!);
        await Promise.all(
          victims.map(async ({ pid }) => {
            await sleep(30 + Math.random() * 600);
            try {
              process.kill(pid, "SIGKILL");
              killed++;
            } catch {}
          }),
        );
        await Promise.all(runs.map(({ ended }) => ended));
        leftOver += sessions.filter((id) => home.continued(id) === 0).length;
        // What the killed ones left is the next pass's; programs that they had started may still be at work.
        const last = await start(home, HEADLESS).ended;
        expect(last.status, last.err).toBe(0);
        await quiet(home, sessions);
        const again = await start(home, HEADLESS).ended;
        expect(JSON.parse(again.out).results).toEqual([]);
        expect(sessions.map((id) => home.continued(id))).toEqual(sessions.map(() => 1));
        expect(home.started()).toHaveLength(20);
      } finally {
        await home.remove();
      }
    }
    console.log(
      `${ROUNDS} rounds: ${killed} ccra killed, ${leftOver} sessions left to the next pass, each continued once`,
    );
  });

  it("by ccra that are killed in their first moments, one after another", async () => {
    const home = limitedHome();
    try {
      const sessions = Array.from({ length: 4 }, () => home.limited());
      for (let after = 20; after <= 320; after += 20) {
        const { pid, ended } = start(home, HEADLESS);
        await sleep(after);
        try {
          process.kill(pid, "SIGKILL");
        } catch {}
        await ended;
      }
      await start(home, HEADLESS).ended;
      await quiet(home, sessions);
      await start(home, HEADLESS).ended;
      expect(sessions.map((id) => home.continued(id))).toEqual([1, 1, 1, 1]);
      expect(home.started()).toHaveLength(4);
    } finally {
      await home.remove();
    }
  });

  it(`in tmux, by 6 ccra at the same time over 8 sessions, random ones killed (${Math.ceil(ROUNDS / 5)} rounds)`, async () => {
    for (let round = 0; round < Math.ceil(ROUNDS / 5); round++) {
      const home = limitedHome();
      try {
        const sessions = Array.from({ length: 8 }, () => home.limited());
        const words = ["resume-all", "--tmux", "--interval", "0", "--json"];
        const runs = Array.from({ length: 6 }, () => start(home, words));
        for (const { pid } of runs.slice(round % 2 ? 0 : 3)) {
          await sleep(30 + Math.random() * 150);
          try {
            process.kill(pid, "SIGKILL");
          } catch {}
        }
        await Promise.all(runs.map(({ ended }) => ended));
        await start(home, words).ended;
        await quiet(home, sessions);
        const again = await start(home, words).ended;
        expect(JSON.parse(again.out).results).toEqual([]);
        expect(sessions.map((id) => home.continued(id))).toEqual(sessions.map(() => 1));
        expect(home.started()).toHaveLength(8);
      } finally {
        await home.remove();
      }
    }
  });
});
