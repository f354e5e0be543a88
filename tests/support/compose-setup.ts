// Prints the setup script of dist/template as a workspace gets it.
import { setupScript } from "./setup-script.ts";

process.stdout.write(setupScript());
