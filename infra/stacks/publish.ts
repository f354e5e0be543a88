import { AssetType, TerraformAsset, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { CoderdProvider } from "#coderd/provider";
import { Template } from "#coderd/template";
import type { Settings } from "../settings.ts";
import { literal } from "../terraform-text.ts";

/** What `cdktf deploy` applies: the folder of the template as a version of a template in Coder. */
export class Publish extends TerraformStack {
  constructor(scope: Construct, id: string, folder: string, settings: Settings) {
    super(scope, id);
    // Address and token come from CODER_URL and CODER_SESSION_TOKEN.
    new CoderdProvider(this, "coderd");
    const template = new TerraformAsset(this, "workspace", { path: folder, type: AssetType.DIRECTORY });
    new Template(this, "template", {
      name: settings.name,
      displayName: literal(settings.displayName),
      description: literal(settings.description),
      icon: literal(settings.icon),
      // The provider hashes the folder at plan time: same files, no new version.
      versions: [{ directory: template.path, active: true }],
    });
  }
}
