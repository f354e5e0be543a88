// Writes the scripts that install ccr, as a workspace gets them from dist/template, into a folder: 1, 2, …
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setupScripts } from "./setup-script.ts";

const [folder] = process.argv.slice(2);
for (const [index, script] of setupScripts().entries())
  writeFileSync(join(folder!, String(index + 1)), script);
