// Prints a start script of dist/template as a workspace gets it: compose-setup.ts [setup|part|…]
import { startScripts } from "./setup-script.ts";

const name = process.argv[2] ?? "setup";
const script = startScripts()[name];
if (script === undefined) throw new Error(`the template has no start script ${name}`);
process.stdout.write(script);
