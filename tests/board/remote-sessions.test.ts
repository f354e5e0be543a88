// What other machines say is data of strangers: taken as far as it has our form.

import { describe, expect, it } from "vitest";
import { itemOfSession } from "../../helpers/board/items.ts";
import { fetchBoard, parseSession, RemoteSessions } from "../../helpers/board/remote-sessions.ts";

const id = "11111111-0000-4000-8000-000000000000";
const now = Date.parse("2026-11-21T12:00:00Z");
const whole = {
  id,
  title: "Checkout",
  project: "/home/me/shop",
  cwd: "/home/me/shop/api",
  gitBranch: "main",
  updatedAt: "2026-11-21T11:00:00.000Z",
  state: "waiting",
  limit: { window: "five_hour", resetsAt: "2026-11-21T14:11:00.000Z", at: null },
  live: null,
};

describe("a session of another machine", () => {
  it("is shown as one of ours, with the machine's name", () => {
    const item = itemOfSession(parseSession(whole)!, now, false, "", "web");
    expect(item).toMatchObject({
      key: `web:${id}`,
      target: "web",
      title: "Checkout",
      section: "Limited",
      timeText: "2 h 11 m",
      limited: true,
      realProject: "web:/home/me/shop",
    });
    expect(item.head).toContain("web");
  });

  it("runs, or waits, as it says", () => {
    const item = (live: object) =>
      itemOfSession(parseSession({ ...whole, state: "live", limit: null, live })!, now, false, "", "web");
    expect(item({ status: "busy" }).section).toBe("Working");
    expect(item({ status: "waiting", waitingFor: "permission prompt" })).toMatchObject({
      section: "Needs you",
      title: "permission prompt?  Checkout",
    });
    expect(item({ status: 3, pid: "x" }).section).toBe("Idle");
  });

  it.each([
    null,
    undefined,
    3,
    "text",
    [],
    {},
    { id },
    { ...whole, id: "../../etc" },
    { ...whole, id: 3 },
    { ...whole, state: "bad" },
  ])("is ignored when it has no id or state: %j", (value) => {
    expect(parseSession(value as never)).toBeNull();
  });

  it("cannot act on the terminal, nor break us with fields of other kinds", () => {
    const odd = {
      title: "\u001b[2Jx\u202e",
      project: 7,
      updatedAt: "never",
      limit: { resetsAt: {} },
      blockedBy: 1,
    };
    const item = itemOfSession(parseSession({ ...whole, ...odd })!, now, false, "", "web");
    expect(item.title).toBe("[2Jx");
    expect(item).toMatchObject({ project: null, updatedAt: 0, until: null });
    expect(
      itemOfSession(parseSession({ ...whole, state: "blocked", blockedBy: {} })!, now, true, "", "w").section,
    ).toBe("Recent");
  });
});

describe("a remote machine on the board", () => {
  it("that cannot be reached is reported again and again, and no longer once nobody looks", async () => {
    const gone = { name: "gone", address: "coder:gone" };
    const path = process.env.PATH;
    process.env.PATH = "/nonexistent";
    try {
      expect(await fetchBoard(gone, 5)).toEqual({ error: "the coder program is not on PATH" });
      await new Promise<void>((resolve) => {
        const far: RemoteSessions = new RemoteSessions([gone], 5, (name, sessions) => {
          expect([name, sessions]).toEqual(["gone", []]);
          expect(far.notes()).toEqual(["gone unreachable: the coder program is not on PATH"]);
          far.close();
          resolve();
        });
        expect(far.notes()).toEqual(["gone: connecting"]);
      });
    } finally {
      process.env.PATH = path;
    }
  });
});
