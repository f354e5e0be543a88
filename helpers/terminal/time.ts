import { DAY } from "../system/units.ts";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const two = (n: number): string => String(n).padStart(2, "0");

/**
 * `iso` is for machines, `local` is `2026-11-17 18:37`, `relative` is `3 h`, `short` is `18:37`, `Nov 17` or
 * `2025-11-17`. In the future, `short` has the time of day: `00:43` within a day, `Mon 13:00` within six.
 */
export type TimeStyle = "iso" | "local" | "relative" | "short";

/** Returns epoch ms as text in the zone of this machine. Does not use `Intl`, whose first call takes 15 ms. */
export function time(at: number | null, style: TimeStyle, now: number): string {
  if (at === null || !Number.isFinite(at)) return "-";
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "-";
  if (style === "iso") return date.toISOString();
  if (style === "relative") return `${duration(Math.abs(now - at))}${at > now ? " ahead" : ""}`;
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (style === "local") return `${day} ${clock}`;
  if (at > now && at - now < DAY) return clock;
  if (at > now && at - now < 6 * DAY) return `${DAYS[date.getDay()]} ${clock}`;
  const today = new Date(now);
  if (date.getFullYear() !== today.getFullYear()) return day;
  if (date.getMonth() === today.getMonth() && date.getDate() === today.getDate()) return clock;
  return `${MONTHS[date.getMonth()]} ${two(date.getDate())}`;
}

/** Returns `Nov 16 22:10`, with the year if it is not this one. */
export function dayAndTime(at: number | null, now: number): string {
  if (at === null) return "-";
  const date = new Date(at);
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}`;
  const year = date.getFullYear();
  const day =
    year === new Date(now).getFullYear()
      ? `${MONTHS[date.getMonth()]} ${two(date.getDate())}`
      : `${year}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${clock}`;
}

/** Returns a duration (ms) for people: `45 s`, `12 m`, `2 h 11 m`, `3 d`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} m`;
  const days = Math.floor(hours / 24);
  return days < 10 && hours % 24 !== 0 ? `${days} d ${hours % 24} h` : `${days} d`;
}
