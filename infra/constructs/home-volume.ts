import { DataKubernetesPersistentVolumeClaimV1 } from "@cdktf/provider-kubernetes/lib/data-kubernetes-persistent-volume-claim-v1/index.js";
import { PersistentVolumeClaimV1 } from "@cdktf/provider-kubernetes/lib/persistent-volume-claim-v1/index.js";
import { DataResource, TerraformLocal } from "cdktf";
import { Construct } from "constructs";
import { literals } from "../terraform-text.ts";
import { annotations, labels, type Whose } from "./labels.ts";

export interface HomeVolumeProps extends Whose {
  /** Values of a new home. Changing them later never touches a home that is there. */
  readonly namespace: string;
  /** "" is the cluster's default class. */
  readonly storageClass: string;
  readonly accessMode: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Reference (no `${}`) to the wanted size in GiB. A smaller one than the present size does nothing. */
  readonly sizeRef: string;
}

/** What Kubernetes writes behind a number of bytes. */
const UNITS: Record<string, number> = { "": 1, m: 0.001 };
for (const [index, letter] of ["k", "M", "G", "T", "P", "E"].entries()) {
  UNITS[letter] = 1000 ** (index + 1);
  UNITS[`${letter.toUpperCase()}i`] = 1024 ** (index + 1);
}

/**
 * The home: it outlives stops, renames and every change of a setting, and grows in place.
 *
 * Replacing a claim deletes the data, and the Kubernetes provider replaces it for a changed namespace, class, access
 * mode and for a size under the present one (which somebody may have grown outside Terraform). So the first values are
 * remembered, the present size is read back, and the list of ignored changes is the second net.
 */
export class HomeVolume extends Construct {
  readonly claim: PersistentVolumeClaimV1;

  constructor(
    scope: Construct,
    id: string,
    { me, owner, namespace, storageClass, accessMode, sizeRef, ...extra }: HomeVolumeProps,
  ) {
    super(scope, id);

    // `output` keeps the values of the first build for ever.
    const first = new DataResource(this, "first", {
      input: { namespace, storage_class: storageClass, access_mode: accessMode },
      lifecycle: { ignoreChanges: ["input"] },
    });
    const remembered = `${first.terraformResourceType}.home.output`;
    const name = `coder-${me.id}-home`;

    // Empty, not an error, when the claim is not there yet. (kubernetes_resources would list the cluster's custom
    // resource definitions too, which Coder's service account may not.)
    const present = new DataKubernetesPersistentVolumeClaimV1(this, "present", {
      metadata: { name, namespace: `\${${remembered}.namespace}` },
    });
    const local = (key: string, expression: string) => new TerraformLocal(this, key, `\${${expression}}`);
    local(
      "home_present",
      'try(data.kubernetes_persistent_volume_claim_v1.home.spec[0].resources[0].requests.storage, "")',
    );
    // ["20", "Gi"]; also 1e9, and nothing for text that is no amount.
    local(
      "home_amount",
      'try(regex("^([0-9.]+(?:[eE][+-]?[0-9]+)?)([A-Za-z]*)$", local.home_present), ["", ""])',
    );
    new TerraformLocal(this, "home_units", UNITS);
    // A present size that cannot be read counts as larger: it is left alone.
    local(
      "home_grows",
      `try(tonumber(local.home_amount[0]) * local.home_units[local.home_amount[1]] < tonumber(${sizeRef}) * pow(1024, 3), local.home_present == "")`,
    );
    local("home_size", `local.home_grows ? "\${${sizeRef}}Gi" : local.home_present`);

    this.claim = new PersistentVolumeClaimV1(this, "claim", {
      metadata: {
        name,
        namespace: `\${${remembered}.namespace}`,
        labels: { ...literals(extra.labels), ...labels("coder-pvc", { me, owner }) },
        annotations: { ...literals(extra.annotations), ...annotations({ me, owner }) },
      },
      // A class that binds at the first consumer would wait for a pod that is not there yet.
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
    // The addresses are a promise: a renamed one deletes every home.
    for (const element of [first, present, this.claim]) element.overrideLogicalId("home");
  }
}
