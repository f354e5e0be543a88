import { DataKubernetesPersistentVolumeClaimV1 } from "@cdktf/provider-kubernetes/lib/data-kubernetes-persistent-volume-claim-v1/index.js";
import { PersistentVolumeClaimV1 } from "@cdktf/provider-kubernetes/lib/persistent-volume-claim-v1/index.js";
import { DataResource, TerraformLocal } from "cdktf";
import { Construct } from "constructs";
import { literals } from "../terraform-text.ts";
import { annotations, labels, type WorkspaceData } from "./labels.ts";

export interface HomeVolumeProps extends WorkspaceData {
  /** Values of a new home. Changing them later never touches an existing home. */
  readonly namespace: string;
  /** "" means the cluster's default class. */
  readonly storageClass: string;
  readonly accessMode: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Reference (no `${}`) to the requested size in GiB. A size below the current one changes nothing. */
  readonly sizeRef: string;
}

/** Suffixes of Kubernetes quantities, and their factors. */
const UNITS: Record<string, number> = { "": 1, m: 0.001 };
for (const [index, letter] of ["k", "M", "G", "T", "P", "E"].entries()) {
  UNITS[letter] = 1000 ** (index + 1);
  UNITS[`${letter.toUpperCase()}i`] = 1024 ** (index + 1);
}

/**
 * The home volume. It survives stops, renames and every change of a setting, and grows in place.
 *
 * Replacing a claim deletes its data. The Kubernetes provider replaces a claim when its namespace, class or access mode
 * changes, and when the requested size is below the current one, which somebody may have grown outside Terraform. So the
 * values of the first build are remembered, the current size is read back, and as a second safeguard the remaining
 * changes are ignored.
 */
export class HomeVolume extends Construct {
  readonly claim: PersistentVolumeClaimV1;

  constructor(
    scope: Construct,
    id: string,
    { me, owner, namespace, storageClass, accessMode, sizeRef, ...extra }: HomeVolumeProps,
  ) {
    super(scope, id);

    // `output` keeps the values of the first build forever.
    const first = new DataResource(this, "first", {
      input: { namespace, storage_class: storageClass, access_mode: accessMode },
      lifecycle: { ignoreChanges: ["input"] },
    });
    const remembered = `${first.terraformResourceType}.home.output`;
    const name = `coder-${me.id}-home`;

    // Empty, not an error, while the claim does not exist. (kubernetes_resources would also list the cluster's custom
    // resource definitions, which Coder's service account may not do.)
    const current = new DataKubernetesPersistentVolumeClaimV1(this, "current", {
      metadata: { name, namespace: `\${${remembered}.namespace}` },
    });
    const local = (key: string, expression: string) => new TerraformLocal(this, key, `\${${expression}}`);
    local(
      "home_current",
      'try(data.kubernetes_persistent_volume_claim_v1.home.spec[0].resources[0].requests.storage, "")',
    );
    // ["20", "Gi"]; accepts 1e9 too. Two empty texts if it is not a quantity.
    local(
      "home_amount",
      'try(regex("^([0-9.]+(?:[eE][+-]?[0-9]+)?)([A-Za-z]*)$", local.home_current), ["", ""])',
    );
    new TerraformLocal(this, "home_units", UNITS);
    // A current size that cannot be parsed counts as larger, so it is left alone.
    local(
      "home_grows",
      `try(tonumber(local.home_amount[0]) * local.home_units[local.home_amount[1]] < tonumber(${sizeRef}) * pow(1024, 3), local.home_current == "")`,
    );
    local("home_size", `local.home_grows ? "\${${sizeRef}}Gi" : local.home_current`);

    this.claim = new PersistentVolumeClaimV1(this, "claim", {
      metadata: {
        name,
        namespace: `\${${remembered}.namespace}`,
        labels: { ...literals(extra.labels), ...labels("coder-pvc", { me, owner }) },
        annotations: { ...literals(extra.annotations), ...annotations({ me, owner }) },
      },
      // A class that binds at the first consumer would wait for a pod that does not exist yet.
      waitUntilBound: false,
      spec: {
        accessModes: [`\${${remembered}.access_mode}`],
        storageClassName: `\${${remembered}.storage_class == "" ? null : ${remembered}.storage_class}`,
        resources: { requests: { storage: "${local.home_size}" } },
      },
      lifecycle: {
        ignoreChanges: ["metadata", "spec[0].storage_class_name", "spec[0].access_modes", "wait_until_bound"],
      },
    });
    // These addresses must never change: renaming one deletes every home.
    for (const element of [first, current, this.claim]) element.overrideLogicalId("home");
  }
}
