#!/usr/bin/env node
// The `cdktf` of this checkout: npm ci links node_modules/.bin/cdktf here. See cdktf.ts.
import { tsImport } from "tsx/esm/api";

const { main } = await tsImport("./cdktf.ts", import.meta.url);
await main(process.argv.slice(2));
