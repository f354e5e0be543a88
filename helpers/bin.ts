import { main } from "./main.ts";

// The file that Node starts. Tests import main.ts.
main(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});
