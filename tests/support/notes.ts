import { appendFileSync } from "node:fs";

/** A line for the end of the test run, such as which providers a plan really had. */
export function note(line: string): void {
  const file = process.env.CCR_TEST_NOTES;
  if (file) appendFileSync(file, `${line.replaceAll("\n", " ")}\n`);
}
