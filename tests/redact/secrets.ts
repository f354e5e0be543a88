// Made-up secrets of every kind, put together at test time: no scanner of repositories trips over the list.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Random } from "../support/random.ts";

export type Secret = { kind: string; text: string; secret: string };

const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER = UPPER.toLowerCase();
const DIGITS = "0123456789";
const LETTERS: Record<string, string> = {
  a: UPPER + LOWER + DIGITS,
  h: `${DIGITS}abcdef`,
  u: UPPER + DIGITS,
  b: `${UPPER}234567`,
  w: `${UPPER}${LOWER}${DIGITS}+/`,
  d: DIGITS,
  l: LOWER + DIGITS,
  "-": `${UPPER}${LOWER}${DIGITS}-_`,
};

export function secrets(seed: number): Secret[] {
  const random = new Random(seed);
  const list = readFileSync(fileURLToPath(new URL("secrets.txt", import.meta.url)), "utf8");
  return list
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [, kind, form] = /^(\S+) (.*)$/.exec(line)!;
      const text = form!
        .replaceAll("|", "")
        .replaceAll("⏎", "\n")
        .replace(/\{(.)(\d+)\}/g, (_, letters: string, length: string) =>
          Array.from({ length: Number(length) }, () => random.pick([...LETTERS[letters]!])).join(""),
        );
      const secret = /«([^»]*)»/.exec(text)![1]!;
      return { kind: kind!, text: text.replace(/[«»]/g, ""), secret };
    });
}

/** What looks like a secret and is none. */
export function harmless(seed: number): string[] {
  const random = new Random(seed);
  const word = (letters: string, length: number) =>
    Array.from({ length }, () => random.pick([...LETTERS[letters]!])).join("");
  const hex = (length: number) => word("h", length);
  return [
    ...Array.from({ length: 300 }, () => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`),
    ...Array.from({ length: 200 }, () => hex(40)),
    ...Array.from({ length: 200 }, () => hex(64)),
    ...Array.from({ length: 100 }, () => hex(32)),
    ...Array.from({ length: 100 }, () => `sha512-${word("w", 86)}==`),
    ...Array.from({ length: 100 }, () => `toolu_01${word("a", 22)}`),
    ...Array.from({ length: 100 }, () => `req_011C${word("a", 20)}`),
    ...Array.from({ length: 100 }, () => `msg_01${word("a", 22)}`),
    ...Array.from({ length: 20 }, () => word("w", 4000)),
    `commit ${hex(40)} (HEAD -> main)`,
    `image: example.org/app@sha256:${hex(64)}`,
    "MAX_OUTPUT_TOKENS=32000",
    "const isValidToken = hash2base64(x)",
    "const token = await getToken(user);",
    "API_KEY=$STRIPE_KEY npm start",
    'password: "$' + '{PASSWORD}"',
    "export GITHUB_TOKEN=<your token>",
    "ACCESS_KEY = process.env.ACCESS_KEY",
    "https://example.org:8080/a@b?c=d",
    "git@github.com:acme/app.git",
    "npm i https://registry.example.org/@scope/name@1.2.3",
    "type Options = { password: string; token?: string };",
    "see task-list and risk-analysis; mask-image: none",
    "Authorization: Bearer <token>",
  ];
}
