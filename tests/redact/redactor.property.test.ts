import { describe, expect, test } from "vitest";
import { Redactor } from "../../helpers/redact/redactor.ts";
import { harmless } from "./secrets.ts";

describe("redaction", () => {
  test("leaves hashes, ids, base64, variables and code alone", () => {
    const redactor = new Redactor();
    for (const text of harmless(3)) expect(redactor.text(text)).toBe(text);
    expect(redactor.report()).toBe("");
  });

  test("takes no long time for hostile text", () => {
    const begun = performance.now();
    const long = 200_000;
    for (const piece of [
      "://a:",
      "-----BEGIN PRIVATE KEY-----",
      "A_SECRET_",
      "Authorization: Bearer ",
      "curl -u ",
      "kind: Secret\n a: ",
      "machine a login ",
      "eyJhbGciOiJIUzI1NiJ9.eyJ",
      "ghp_",
      "password",
      "a".repeat(50),
      "xoxb-",
      '=\\"',
    ])
      new Redactor().text(piece.repeat(Math.ceil(long / piece.length)));
    expect(performance.now() - begun).toBeLessThan(30_000);
  });
});
