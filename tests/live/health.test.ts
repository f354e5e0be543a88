import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { chooseAction, faultOf } from "../../helpers/live/health.ts";
import type { Entry } from "../../helpers/live/journal.ts";
import type { Live } from "../../helpers/live/live-sessions.ts";

const live = (more: Partial<Live>): Live =>
  ({ state: "exited", exit: null, pane: "%1", panePid: process.pid, ...more }) as Live;

describe("a session's Claude", () => {
  it("has failed when a signal or a status ended it, and not when somebody asked it to end", () => {
    expect(faultOf(live({}))).toBe("was killed");
    expect(faultOf(live({ exit: 1 }))).toBe("ended with status 1");
    for (const exit of [0, 129, 130, 143]) expect(faultOf(live({ exit }))).toBeNull();
  });

  it("is well while it runs, and where its window was closed", () => {
    expect(faultOf(live({ state: "busy" }))).toBeNull();
    expect(faultOf(live({ pane: null, panePid: null }))).toBeNull();
  });

  it("has failed when its process is missing from a pane that does not know it", async () => {
    const child = spawn("true");
    await once(child, "exit");
    expect(faultOf(live({ state: "idle", panePid: child.pid! }))).toContain("zombie");
  });
});

describe("a failed live session", () => {
  const now = 1_800_000_000_000;
  const entry = (ago: number[], restart: Entry["restart"] = "on-failure"): Entry =>
    ({ restart, restarts: ago.map((seconds) => now - seconds * 1000) }) as unknown as Entry;

  it("is left alone unless its policy says otherwise", () => {
    expect(chooseAction(entry([], "no"), now)).toBe("left");
    expect(chooseAction(entry([]), now)).toBe("restarted");
  });

  it("is restarted after pauses that double, five times an hour", () => {
    expect(chooseAction(entry([9]), now)).toBe("waits");
    expect(chooseAction(entry([11]), now)).toBe("restarted");
    expect(chooseAction(entry([100, 19]), now)).toBe("waits");
    expect(chooseAction(entry([100, 21]), now)).toBe("restarted");
    expect(chooseAction(entry([500, 400, 300, 79]), now)).toBe("waits");
    expect(chooseAction(entry([500, 400, 300, 81]), now)).toBe("restarted");
    expect(chooseAction(entry([500, 400, 300, 200, 170]), now)).toBe("gave-up");
    expect(chooseAction(entry([4000, 3900, 3800, 3700, 3601]), now)).toBe("restarted");
  });

  it("is not delayed by a clock that was set back", () => {
    expect(chooseAction(entry([-3600]), now)).toBe("restarted");
  });
});
