import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cron } from "../../helpers/install/cron.ts";

let folder: string;
const path = process.env.PATH;
const table = () => (existsSync(join(folder, "table")) ? readFileSync(join(folder, "table"), "utf8") : null);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ccr-cron-"));
  // crontab(1) as far as it matters: -l, -r, and a new table on stdin.
  writeFileSync(
    join(folder, "crontab"),
    `#!/bin/sh\ncd ${folder}\ncase $1 in -l) cat table 2>/dev/null || { echo "no crontab for coder" >&2; exit 1; };; -r) rm table;; -) cat >table;; esac\n`,
  );
  chmodSync(join(folder, "crontab"), 0o755);
  process.env.PATH = `${folder}:${path}`;
});
afterEach(() => {
  process.env.PATH = path;
  rmSync(folder, { recursive: true });
});

describe("the crontab", () => {
  it.each([null, "", "MAILTO=me\n0 4 * * * backup # nightly\n", "0 4 * * * backup"])(
    "gets one line, once, and loses it again: %j",
    async (before) => {
      if (before !== null) writeFileSync(join(folder, "table"), before);
      expect(await cron("/home/a%b/.local/bin/ccr")).toBe("updated");
      expect(table()).toBe(
        `${before ? `${before.trimEnd()}\n` : ""}*/5 * * * * /home/a\\%b/.local/bin/ccr supervise # ccr\n`,
      );
      expect(await cron("/home/a%b/.local/bin/ccr")).toBe("unchanged");
      expect(await cron(null)).toBe("updated");
      expect((table() ?? "").trimEnd()).toBe((before ?? "").trimEnd());
      expect(await cron(null)).toBe("unchanged");
    },
  );

  it("with a line for an old path of ccr gets it updated, not doubled", async () => {
    await cron("/old/ccr");
    await cron("/new/ccr");
    expect(table()).toBe("*/5 * * * * /new/ccr supervise # ccr\n");
  });

  it("that cannot be read is left alone", async () => {
    writeFileSync(
      join(folder, "crontab"),
      "#!/bin/sh\necho 'you are not allowed to use this program' >&2; exit 1\n",
    );
    await expect(cron("/x/ccr")).rejects.toThrow(/not allowed/);
  });

  it("without a crontab program says what to do instead, and uninstall still works", async () => {
    process.env.PATH = "/nowhere";
    await expect(cron("/x/ccr")).rejects.toThrow(/crontab is not installed/);
    expect(await cron(null)).toBe("unchanged");
  });
});
