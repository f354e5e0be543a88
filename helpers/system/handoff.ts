import { closeSync, writeSync } from "node:fs";
import { handoffDescriptor } from "./environment.ts";
import { quote } from "./shell-quote.ts";

/**
 * Runs a program in a directory in place of this one and gives its exit status.
 *
 * The shim that started us evaluates what we write to the descriptor `CCR_HANDOFF`, after we have ended: no Node
 * process stays behind the program. Without a shim (`node ccr.cjs …`) the program runs as our child.
 */
export async function handOver(directory: string, argv: readonly string[]): Promise<number> {
  const fd = handoffDescriptor();
  if (Number.isInteger(fd) && fd > 2) {
    const line = Buffer.from(`cd ${quote(directory)} && exec ${argv.map(quote).join(" ")}`);
    for (let at = 0; at < line.length; ) at += writeSync(fd, line, at);
    closeSync(fd);
    return 0;
  }
  const { runAttached } = await import("./run.ts");
  return runAttached(directory, argv);
}
