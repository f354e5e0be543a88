// Records a tmux pane where there is no perl. Takes 40 MB. What it does and its arguments: see recorder.pl; keep the two
// alike. This file is copied into ccr's state folder and runs alone.

const fs = require("node:fs");
const tty = require("node:tty");
const { execFileSync } = require("node:child_process");

const [stem, pane, socket, maxText, keepText, now] = process.argv.slice(2);
const max = Number(maxText);
const keep = Number(keepText);
process.umask(0o077);
for (const signal of ["SIGHUP", "SIGINT", "SIGXFSZ"]) process.on(signal, () => {});

/** The file, its size, when it began, the number of the next one; whether output was lost (disk full). */
let file;
let size;
let begun;
let next = 0;
let lost = false;
let columns = 80;
let rows = 24;
/** Pieces of output so far. */
let pieces = 0;
let timer;

/** Seconds since some fixed moment. */
const clock = () => performance.now() / 1000;

let terminal;
try {
  terminal = new tty.WriteStream(3).on("error", () => {});
} catch {
  // no size is known: the one above is written
}

/** Whether the terminal has another size than before. */
function resized() {
  try {
    terminal._refreshSize();
    const [wide, high] = terminal.getWindowSize();
    if (!wide || !high || (wide === columns && high === rows)) return false;
    columns = wide;
    rows = high;
    return true;
  } catch {
    return false;
  }
}

/** Adds a line or, on a full disk, nothing of it. */
function put(line) {
  const bytes = Buffer.from(line);
  let written = 0;
  try {
    written = fs.writeSync(file, bytes);
  } catch {
    // nothing was written
  }
  if (written === bytes.length) {
    size += written;
    return;
  }
  lost = true;
  try {
    fs.ftruncateSync(file, size);
  } catch {
    // a torn line is skipped by readers
  }
}

function event(kind, data) {
  const text = JSON.stringify(data).replace(/\x7f/g, "\\u007f");
  put(`[${(clock() - begun).toFixed(3)}, "${kind}", ${text}]\n`);
}

function remove(number) {
  try {
    fs.unlinkSync(`${stem}.${number}.cast`);
  } catch {
    // it was deleted before
  }
}

/** When this process started, in the kernel's ticks; empty where that is not known. */
function ownStart() {
  try {
    const stat = fs.readFileSync("/proc/self/stat", "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return "";
  }
}

/** Opens the first file that does not exist yet, from `next` on; sets `next` to its number. */
function openNew() {
  for (let number = next; ; number++) {
    try {
      const opened = fs.openSync(`${stem}.${number}.cast`, "ax", 0o600);
      next = number;
      return opened;
    } catch (error) {
      if (error.code !== "EEXIST" || number > next + 99) return undefined;
    }
  }
}

/** Begins the next file. False if it cannot be written. */
function beginFile() {
  const opened = openNew();
  if (opened === undefined) return false;
  const head = `${JSON.stringify({
    version: 2,
    width: columns,
    height: rows,
    timestamp: Math.floor(Date.now() / 1000),
    env: { TERM: "tmux-256color" },
    ccr: { pid: process.pid, start: ownStart(), pane },
  })}\n`;
  let written = 0;
  try {
    written = fs.writeSync(opened, head);
  } catch {
    // nothing was written
  }
  if (written !== head.length) {
    fs.closeSync(opened);
    remove(next);
    return false;
  }
  if (file !== undefined) fs.closeSync(file);
  file = opened;
  size = written;
  lost = false;
  begun = clock();
  next++;
  return true;
}

const STATE = [
  "alternate_on",
  "cursor_x",
  "cursor_y",
  "cursor_flag",
  "scroll_region_upper",
  "scroll_region_lower",
];

/** What draws the screen as it is; undefined if tmux does not answer. */
function picture() {
  const format = STATE.map((name) => `#{${name}}`).join(" ");
  const state = ["display-message", "-p", "-t", pane, format];
  const screen = ["capture-pane", "-e", "-p", "-N", "-t", pane];
  try {
    const answer = execFileSync("tmux", ["-u", "-S", socket, ...state, ";", ...screen], {
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 5000,
    });
    const [first, ...lines] = answer.toString().split("\n");
    const [alternate, x, y, shown, top, bottom] = first.split(" ").map(Number);
    const drawn = lines.slice(0, -1).map((text, row) => `\x1b[${row + 1};1H${text}`);
    return [
      alternate ? "\x1b[?1049h" : "",
      "\x1b[H\x1b[2J",
      ...drawn,
      `\x1b[0m\x1b[${top + 1};${bottom + 1}r\x1b[${y + 1};${x + 1}H`,
      shown ? "" : "\x1b[?25l",
    ].join("");
  } catch {
    return undefined;
  }
}

/** Goes on in another file. Deletes the oldest one, or the one that has lost output. */
function nextFile(drawn) {
  resized();
  if (!beginFile()) return;
  if (drawn !== undefined) event("o", drawn);
  remove(lost ? --next : next - 1 - keep);
}

/** Goes on in another file, unless output arrives meanwhile: the picture might lack it, or have it twice. */
function nextFileWhenQuiet() {
  const drawn = picture();
  const before = pieces;
  timer = setTimeout(() => {
    timer = undefined;
    if (pieces === before) nextFile(drawn);
    else checkSize();
  }, 30);
}

function checkSize() {
  if (!lost && size <= max) return;
  if (size > 2 * max) nextFile(picture());
  else {
    clearTimeout(timer);
    timer = setTimeout(nextFileWhenQuiet, 50);
  }
}

resized();
if (!beginFile()) process.exit(1);
if (now) {
  const drawn = picture();
  if (drawn !== undefined) event("o", drawn);
}
const decoder = new TextDecoder();
process.stdin
  .on("data", (data) => {
    pieces++;
    if (resized() && !lost) event("r", `${columns}x${rows}`);
    const text = decoder.decode(data, { stream: true });
    if (text && !lost) event("o", text);
    checkSize();
  })
  .on("end", () => process.exit(0))
  .on("error", () => process.exit(1));
