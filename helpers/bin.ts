import { main } from "./main.ts";

// The file that Node starts, and that a long search starts a second thread with. Tests import main.ts.
start(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});

async function start(args: readonly string[]): Promise<number> {
  if (args[0] === "find-thread") {
    const { runThread } = await import("./commands/find.ts");
    if (await runThread()) return 0;
  }
  return main(args);
}
