import { main } from "./main.ts";
import { restoreEnvironment } from "./system/environment.ts";

// The file that Node starts, and that a long search starts a second thread with. Tests import main.ts.
restoreEnvironment();
start(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});

async function start(args: readonly string[]): Promise<number> {
  const [word] = args;
  if (word === "find-thread" || word === "stats-thread") {
    const { runThread } = await (word === "find-thread"
      ? import("./search/threads.ts")
      : import("./stats/count.ts"));
    if (await runThread()) return 0;
  }
  return main(args);
}
