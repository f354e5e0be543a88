// The other side of a sync, behind a pipe: its ccr sync --serve answers one request after the other.

import { closeSync, createReadStream, openSync, rmSync, statSync, writeSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { ByteReader } from "../archive/tar.ts";
import { isSessionId } from "../claude/places.ts";
import { Problem, problemOf } from "../system/problem.ts";
import type { LocalPeer } from "./local-peer.ts";
import { type Peer, spoolPath, type TranscriptFile, type TranscriptSummary } from "./peer.ts";

/** What the far shell prints before this is none of ours. */
const MAGIC = "\nccr-sync 1\n";
const MOST_NOISE = 65_536;
const DIGITS = 10;

type Message = Record<string, unknown> & {
  /** so many bytes follow */
  bytes: number;
};

const send = (to: Writable, data: string | Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => to.write(data, (error) => (error ? reject(error) : resolve())));

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
  // A transcript may grow meanwhile: what was told is sent.
  for await (const piece of createReadStream(file.path, { start: file.from, end: end - 1 })) {
    await send(to, piece);
    sent += piece.length;
  }
  if (sent < bytes) throw new Problem("changed", `${file.path} has become shorter.`);
}

async function message(from: ByteReader): Promise<Message> {
  return JSON.parse((await from.read(Number(await from.read(DIGITS)))).toString());
}

/** The bytes that follow a message, in a file of ours. */
async function receive(from: ByteReader, bytes: number): Promise<string> {
  const path = spoolPath();
  const fd = openSync(path, "wx", 0o600);
  try {
    for await (const piece of from.chunks(bytes))
      for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at);
  } finally {
    closeSync(fd);
  }
  return path;
}

export class RemotePeer implements Peer {
  home = "";
  readonly #from: ByteReader;
  readonly #to: Writable;
  readonly #name: string;
  constructor(from: Readable, to: Writable, name: string) {
    this.#from = new ByteReader(from);
    this.#to = to;
    this.#name = name;
    // An end of the connection is told where an answer is missing.
    to.on("error", () => {});
  }
  /** Waits until the other side is there. */
  async meet(): Promise<this> {
    let seen = "";
    await this.#talk(async () => {
      while (!seen.endsWith(MAGIC) && seen.length < MOST_NOISE)
        seen += (await this.#from.read(1)).toString("latin1");
    });
    this.home = String((await this.#ask({ op: "hello" })).home);
    return this;
  }
  async #talk<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Problem && error.kind !== "bad-archive") throw error;
      throw new Problem("remote", `${this.#name} ended the connection.`, {
        hint: [`look there: ccr --on ${this.#name} version`, "what was done stays done: run it again"],
      });
    }
  }
  #ask(request: object, file?: string): Promise<Message> {
    return this.#talk(async () => {
      await sendMessage(this.#to, request, file === undefined ? undefined : { path: file, from: 0 });
      const answer = await message(this.#from);
      if (typeof answer.error === "string")
        throw new Problem(String(answer.kind), `${this.#name}: ${answer.error}`, { hint: "look there" });
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

/** Answers until the other side goes. */
export async function serve(place: LocalPeer, input: Readable, output: Writable): Promise<void> {
  output.on("error", () => {});
  const from = new ByteReader(input);
  try {
    await send(output, MAGIC);
    for (;;) await answer(place, await message(from), from, output);
  } catch {
    // the connection has ended; what it was about to bring is not here
  }
}

async function answer(place: LocalPeer, request: Message, from: ByteReader, output: Writable): Promise<void> {
  const file = request.bytes > 0 ? await receive(from, request.bytes) : null;
  try {
    const { op, item, at, id, folder, has } = request as Message & { item: TranscriptFile };
    let said: object = { home: place.home };
    if (op === "fetch") {
      await sendMessage(output, {}, { path: place.path(item), from: Number(request.from) });
      return;
    }
    if (op === "list") said = { items: await place.list() };
    else if (op === "sum") said = await place.sum(item, Number(at), String(request.uuid));
    else if (op === "put" && file !== null)
      said = { item: await place.put(String(id), String(folder), has === null ? null : Number(has), file) };
    await sendMessage(output, said);
  } catch (error) {
    const { kind, message } = problemOf(error);
    await sendMessage(output, { error: message, kind });
  } finally {
    if (file !== null) rmSync(file, { force: true });
  }
}
