/** The app that cdktf runs: one stack, the publisher. First builds the helper and the template that it publishes. */
import { fileURLToPath } from "node:url";
import { App } from "cdktf";
import { gitMessage } from "./git.ts";
import { explain, prepare } from "./tools/prepare.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const { settings, folder } = await prepare().catch(explain);
const { Publish } = await import("./stacks/publish.ts");

const app = new App();
// `npx cdktf deploy --no-activate`
const activate = settings.activate && !process.env.CCR_NO_ACTIVATE;
new Publish(app, "ccr", folder, { ...settings, activate }, gitMessage(ROOT));
app.synth();
