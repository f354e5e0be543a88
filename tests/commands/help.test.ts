import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { helpOf, overview } from "../../helpers/cli/help.ts";
import { COMMANDS } from "../../helpers/command-table.ts";
import { width } from "../../helpers/terminal/text.ts";

describe("a page of help", () => {
  const WIDE = 60;
  beforeEach(() => vi.stubEnv("COLUMNS", String(WIDE)));
  afterEach(() => vi.unstubAllEnvs());

  it("fits the terminal: what is typed is never broken, all else is, between words", async () => {
    expect(
      overview(COMMANDS)
        .split("\n")
        .filter((line) => width(line) > WIDE),
    ).toEqual([]);
    for (const entry of COMMANDS) {
      const command = await entry.load();
      // Lines are broken for the terminal, not in the text.
      expect(command.description).not.toContain("\n");
      const page = helpOf(entry, command);
      const typed = [command.usage, ...command.examples.map(([line]) => line)];
      const wide = page.split("\n").filter((line) => width(line) > WIDE);
      expect(wide.filter((line) => !typed.some((words) => line.includes(words)))).toEqual([]);
      // not a word is lost
      const words = (text: string) => text.split(/\s+/).filter(Boolean);
      expect(words(page)).toEqual(expect.arrayContaining(words(command.description)));
      for (const [line, does] of command.examples) {
        expect(page).toContain(line);
        expect(words(page)).toEqual(expect.arrayContaining(words(does)));
      }
    }
  });
});
