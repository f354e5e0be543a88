/** What cdktf runs: one stack, the publisher. The template that it publishes is written first, with a fresh helper. */
import { App } from "cdktf";
import { explain, prepare } from "./prepare.ts";

const { settings, folder } = await prepare().catch(explain);
const { Publish } = await import("./stacks/publish.ts");

const app = new App();
new Publish(app, "ccr", folder, settings);
app.synth();
