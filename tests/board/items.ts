import { fold } from "../../helpers/board/filter.ts";
import type { Item } from "../../helpers/board/items.ts";

let serial = 0;

/** An item of the picker, as a session of `/work/shop` with this title; each is older than the one before. */
export function item(title: string, more: Partial<Item> & { prompts?: string } = {}): Item {
  const n = ++serial;
  const { prompts = "", ...rest } = more;
  const project = rest.project === undefined ? "/work/shop" : rest.project;
  const id = rest.id ?? `${n.toString(16).padStart(8, "0")}-0000-4000-8000-000000000000`;
  return {
    id,
    key: id,
    target: null,
    until: null,
    limited: false,
    live: false,
    path: `/nowhere/${n}.jsonl`,
    folder: "-work-shop",
    title,
    project,
    realProject: project,
    branch: "main",
    updatedAt: 1e12 - n * 60_000,
    section: "Recent",
    state: [],
    timeText: "Nov 17",
    head: fold(`${title}\n${project ?? ""}`),
    body: fold(prompts),
    ...rest,
  };
}

export const live = {
  section: "Working",
  live: true,
  state: [
    { text: "● ", colour: "green" },
    { text: "working", colour: "green" },
  ],
} as const;
export const waiting = {
  section: "Needs you",
  live: true,
  state: [
    { text: "◐ ", colour: "yellow" },
    { text: "needs you", colour: "yellow" },
  ],
} as const;
export const limited = {
  section: "Limited",
  state: [
    { text: "◷ ", colour: "magenta" },
    { text: "limited → 21:00", colour: "magenta" },
  ],
  timeText: "2 h 11 m",
  until: 9e12,
  limited: true,
} as const;
export const ready = {
  limited: true,
  state: [
    { text: "▸ ", colour: "cyan" },
    { text: "ready", colour: "cyan" },
  ],
} as const;
