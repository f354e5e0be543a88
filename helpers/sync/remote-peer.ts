// The other side of a sync behind a pipe. Its `ccr sync --serve` answers one request after the other.

import { closeSync, createReadStream, openSync, rmSync, statSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { ByteReader } from "../archive/tar.ts";
import { isSessionId } from "../claude/places.ts";
import { fileWriter } from "../system/files.ts";
import { Problem, problemOf } from "../system/problem.ts";
import type { LocalPeer } from "./local-peer.ts";
import { type Peer, spoolPath, type TranscriptFile, type TranscriptSummary } from "./peer.ts";

/** Marks the beginning of our protocol: everything before comes from the other side's shell. */
const MAGIC = "\nccr-sync 1\n";
/** Bytes that the other side's shell may print. */
const MAX_NOISE = 65_536;
/** Digits of the length before each message. */
const DIGITS = 10;

type Message = Record<string, unknown> & {
  /** number of bytes that follow the message */
  bytes: number;
};

const send = (to: Writable, data: string | Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => to.write(data, (error) => (error ? reject(error) : resolve())));

/** Sends a message, and everything from byte `from` on of a file. */
async function sendMessage(
  to: Writable,
  message: object,
  file?: { path: string; from: number },
): Promise<void> {
  const end = file ? statSync(file.path).size : 0;
  const bytes = file ? Math.max(0, end - file.from) : 0;
  const text = Buffer.from(JSON.stringify({ ...message, bytes }));
  await send(to, String(text.length).padStart(DIGITS, "0"));
  await send(to, text);
  if (!file || bytes === 0) return;
  let sent = 0;
  // The transcript may grow meanwhile, so send only what was announced.
  for await (const piece of createReadStream(file.path, { start: file.from, end: end - 1 })) {
    await send(to, piece);
    sent += piece.length;
  }
  if (sent < bytes) throw new Problem("changed", `${file.path} became shorter while it was being sent`);
}

async function readMessage(from: ByteReader): Promise<Message> {
  return JSON.parse((await from.read(Number(await from.read(DIGITS)))).toString());
}

/** Saves the bytes that follow a message to a temporary file. */
async function receive(from: ByteReader, bytes: number): Promise<string> {
  const path = spoolPath();
  const fd = openSync(path, "wx", 0o600);
  try {
    const write = fileWriter(fd, path);
    for await (const piece of from.chunks(bytes)) write(piece);
  } finally {
    closeSync(fd);
  }
  return path;
}

/** The peer on another machine, or in another container. */
export class RemotePeer implements Peer {
  home = "";
  readonly #from: ByteReader;
  readonly #to: Writable;
  readonly #name: string;
  constructor(from: Readable, to: Writable, name: string) {
    this.#from = new ByteReader(from);
    this.#to = to;
    this.#name = name;
    // The end of the connection is reported when an answer is missing.
    to.on("error", () => {});
  }
  /** Waits until the other side has started. */
  async connect(): Promise<this> {
    let output = "";
    await this.#talk(async () => {
      while (!output.endsWith(MAGIC) && output.length < MAX_NOISE)
        output += (await this.#from.read(1)).toString("latin1");
    });
    this.home = String((await this.#ask({ op: "hello" })).home);
    return this;
  }
  async #talk<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Problem && error.kind !== "bad-archive") throw error;
      throw new Problem("remote", `${this.#name} ended the connection`, {
        hint: [
          `check the other side: ccr --on ${this.#name} version`,
          "then run it again: it continues where it stopped",
        ],
      });
    }
  }
  #ask(request: object, file?: string): Promise<Message> {
    return this.#talk(async () => {
      await sendMessage(this.#to, request, file === undefined ? undefined : { path: file, from: 0 });
      const answer = await readMessage(this.#from);
      if (typeof answer.error === "string")
        throw new Problem(String(answer.kind), `${this.#name}: ${answer.error}`, {
          hint: `check the other side: ccr --on ${this.#name} doctor`,
        });
      return answer;
    });
  }
  async list(): Promise<TranscriptFile[]> {
    const { items } = await this.#ask({ op: "list" });
    return (items as TranscriptFile[]).filter(
      ({ id, folder }) => isSessionId(String(id)) && typeof folder === "string",
    );
  }
  sum = async (item: TranscriptFile, at: number, uuid?: string): Promise<TranscriptSummary> =>
    (await this.#ask({ op: "sum", item, at, uuid })) as unknown as TranscriptSummary;
  async fetch(item: TranscriptFile, from: number): Promise<string> {
    const { bytes } = await this.#ask({ op: "fetch", item, from });
    return this.#talk(() => receive(this.#from, bytes));
  }
  put = async (id: string, folder: string, bytes: number | null, file: string): Promise<TranscriptFile> =>
    (await this.#ask({ op: "put", id, folder, has: bytes }, file)).item as TranscriptFile;
}

/** Answers requests until the connection ends. */
export async function serve(place: LocalPeer, input: Readable, output: Writable): Promise<void> {
  output.on("error", () => {});
  const from = new ByteReader(input);
  try {
    await send(output, MAGIC);
    for (;;) await answer(place, await readMessage(from), from, output);
  } catch {
    // The connection has ended. A file that was being received is not used.
  }
}

async function answer(place: LocalPeer, request: Message, from: ByteReader, output: Writable): Promise<void> {
  const file = request.bytes > 0 ? await receive(from, request.bytes) : null;
  try {
    const { op, item, at, id, folder, has } = request as Message & { item: TranscriptFile };
    let reply: object = { home: place.home };
    if (op === "fetch") {
      await sendMessage(output, {}, { path: place.path(item), from: Number(request.from) });
      return;
    }
    if (op === "list") reply = { items: await place.list() };
    else if (op === "sum") reply = await place.sum(item, Number(at), String(request.uuid));
    else if (op === "put" && file !== null)
      reply = { item: await place.put(String(id), String(folder), has === null ? null : Number(has), file) };
    await sendMessage(output, reply);
  } catch (error) {
    const { kind, message } = problemOf(error);
    await sendMessage(output, { error: message, kind });
  } finally {
    if (file !== null) rmSync(file, { force: true });
  }
}
