#!/usr/bin/env node
// The `cdktf` command of this checkout: npm ci links node_modules/.bin/cdktf to this file. See cdktf.ts.
import { tsImport } from "tsx/esm/api";

const { main } = await tsImport("./cdktf.ts", import.meta.url);
await main(process.argv.slice(2));
