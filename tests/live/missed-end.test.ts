// tmux 3.3a can miss the end of a program (helpers/recording/recorder-command.ts says how): the pane is dead, has no status, and the
// program is a zombie until something else ends that tmux has started.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { faultOf } from "../../helpers/live/health.ts";
import { liveSessions } from "../../helpers/live/live-sessions.ts";
import { type Home, makeHome } from "../support/home.ts";
import { withHome } from "../support/recorded.ts";

let home: Home;
beforeEach(() => {
  home = makeHome("ccr-missed-");
});
afterEach(() => home.remove());

it("a Claude whose end tmux missed is reported with its status, not as killed", async () => {
  const told = join(home.path, "told");
  const id = "0abc1234-1111-4111-8111-111111111111";
  writeFileSync(
    join(home.around, "bin/tmux"),
    `#!/bin/sh
case " $* " in
*" run-shell "*) echo >"${told}" ;;
# a process that is there, as a zombie is
*" list-panes "*)
  status=
  [ ! -e "${told}" ] || status=3
  printf '%%0\\t${process.pid}\\t1\\t%s\\t1\\t${id}\\t%%2Ftmp\\t1790000000\\t3\\t0\\tclaude-shop\\n' "$status"
  ;;
*) exit 1 ;;
esac
`,
    { mode: 0o755 },
  );
  const lives = await withHome(home, liveSessions);
  expect(lives.map((live) => [live.name, live.state, faultOf(live)])).toEqual([
    ["claude-shop", "exited", "ended with status 3"],
  ]);
});
