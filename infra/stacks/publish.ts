import { AssetType, TerraformAsset, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import { CoderdProvider } from "#coderd/provider";
import { Template } from "#coderd/template";
import type { Settings } from "../settings.ts";
import { literal, literals } from "../terraform-text.ts";

const HOUR = 3_600_000;

/** The stack that `cdktf deploy` applies: publishes the template's folder as a version of a template in Coder. */
export class Publish extends TerraformStack {
  /** `message` is the description of the version, one line; "" for none. */
  constructor(scope: Construct, id: string, folder: string, settings: Settings, message: string) {
    super(scope, id);
    // Address and token come from CODER_URL and CODER_SESSION_TOKEN.
    new CoderdProvider(this, "coderd");
    const { type, ...backend } = settings.backend;
    // cdktf's own local backend keeps the state beside cdktf.json.
    if (type !== "local") {
      this.addOverride("terraform.backend", undefined);
      this.addOverride(`terraform.backend.${type}`, literals(backend));
    }
    const template = new TerraformAsset(this, "workspace", { path: folder, type: AssetType.DIRECTORY });
    new Template(this, "template", {
      name: settings.name,
      displayName: literal(settings.displayName),
      description: literal(settings.description),
      icon: literal(settings.icon),
      organizationId: settings.organization || undefined,
      defaultTtlMs: settings.ttlHours * HOUR,
      activityBumpMs: settings.activityBumpHours * HOUR,
      ...(settings.requireActiveVersion ? { requireActiveVersion: true } : {}),
      lifecycle: settings.protect ? { preventDestroy: true } : undefined,
      versions: [
        {
          // The provider hashes the folder at plan time: with the same files there is no new version.
          directory: template.path,
          active: settings.activate,
          name: settings.versionName || template.assetHash.slice(0, 12).toLowerCase(),
          ...(message ? { message: literal(message) } : {}),
        },
      ],
    });
  }
}
