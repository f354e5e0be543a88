import { readlinkSync } from "node:fs";
import { DAY } from "../system/units.ts";
import { QUARTER } from "./records.ts";

/** The local day of an instant, as the days from 1970-01-01 to its date. */
export function dayOf(at: number): number {
  const date = new Date(at);
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / DAY);
}

/** `2026-01-22` of a day. */
export const dayText = (day: number): string => new Date(day * DAY).toISOString().slice(0, 10);

/** The local day of a quarter of an hour. Offsets of zones are whole quarters. */
export class Days {
  readonly #known = new Map<number, number>();
  of(quarter: number): number {
    let day = this.#known.get(quarter);
    if (day === undefined) {
      day = dayOf(quarter * QUARTER);
      this.#known.set(quarter, day);
    }
    return day;
  }
}

/** Names the zone of this machine: where it differs, days begin at another time. */
export function zone(now: number): string {
  let link = "";
  try {
    link = readlinkSync("/etc/localtime");
  } catch {
    // a plain file, or none
  }
  const offsets = Array.from({ length: 24 }, (_, i) => new Date(now - i * 30 * DAY).getTimezoneOffset());
  return [
    process.env.TZ ?? "",
    link,
    new Date(now).getFullYear(),
    Math.min(...offsets),
    Math.max(...offsets),
  ].join(" ");
}
