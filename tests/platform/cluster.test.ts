// A workspace's life on a real cluster, with the rights of docs/running/publishing.md and no others, in a namespace that enforces
// Kubernetes' restricted profile. KUBE_CONFIG_PATH names the admin's kubeconfig; CCR_TEST_STORAGE_CLASS a class whose
// volumes grow (longhorn unless set). Images need not run.

import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../support/home.ts";
import { note } from "../support/notes.ts";
import { type Json, Template } from "../support/template.ts";
import { mirrored, providers, Terraform } from "../support/terraform.ts";
import { waitFor } from "../support/wait-for.ts";

const kubeconfig = process.env.KUBE_CONFIG_PATH;
const { form } = await providers();
const runs = kubeconfig !== undefined && form === "full";
if (!runs)
  note(
    "platform: not run on a real cluster (set KUBE_CONFIG_PATH to the kubeconfig of one that may be written to)",
  );

const CLAIM = "kubernetes_persistent_volume_claim_v1.home";
const CLASS = process.env.CCR_TEST_STORAGE_CLASS || "longhorn";
const VERBS = ["create", "get", "list", "watch", "patch", "update", "delete"];
const RIGHTS = [
  { apiGroups: [""], resources: ["persistentvolumeclaims"], verbs: VERBS },
  { apiGroups: ["apps"], resources: ["deployments"], verbs: VERBS },
  { apiGroups: ["networking.k8s.io"], resources: ["networkpolicies"], verbs: VERBS },
];

/** A cluster takes its time. */
const PATIENT = { seconds: 90, interval: 500 };

describe("the rights that docs/running/publishing.md asks for", () => {
  it("are those that the workspace below has", () => {
    const page = readFileSync(join(root, "docs/running/publishing.md"), "utf8");
    for (const { resources, verbs } of RIGHTS)
      expect(page).toMatch(new RegExp(`\`${resources[0]}\`.*\\| ${verbs.join(", ")} \\|`));
  });
});

(runs ? describe : () => {})("a workspace on a real cluster", () => {
  const namespace = `ccr-test-${randomBytes(4).toString("hex")}`;
  let terraform: Terraform;
  let uid: string;
  let volume: string;

  const kubectl = async (words: string[], input?: object): Promise<string> => {
    const { stdout } = await execa("kubectl", ["--kubeconfig", kubeconfig!, ...words], {
      ...(input ? { input: JSON.stringify(input) } : { stdin: "ignore" as const }),
      timeout: 60_000,
    });
    return stdout;
  };
  const get = async (what: string): Promise<Json[]> =>
    JSON.parse(await kubectl(["get", what, "-n", namespace, "-o", "json"])).items;
  const claim = async (): Promise<Json> => {
    const all = await get("pvc");
    expect(all).toHaveLength(1);
    return all[0];
  };

  /** Plans, applies, and finds the same claim with the same volume behind it. Gives its requested size. */
  async function change(variables: Record<string, string> = {}): Promise<string> {
    const changes = await terraform.plan({ namespace, storage_class: CLASS, ...variables });
    expect(changes[CLAIM] ?? "update").toBe("update");
    await terraform.must("apply", "plan");
    const now = await claim();
    expect([now.metadata.uid, now.spec.volumeName]).toEqual([uid, volume]);
    return now.spec.resources.requests.storage;
  }

  beforeAll(async () => {
    const meta = { name: "ccr", namespace };
    for (const object of [
      {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: namespace, labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
      },
      { apiVersion: "v1", kind: "ServiceAccount", metadata: meta },
      { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata: meta, rules: RIGHTS },
      {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "RoleBinding",
        metadata: meta,
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "ccr" },
        subjects: [{ kind: "ServiceAccount", ...meta }],
      },
    ])
      await kubectl(["apply", "-f", "-"], object);
    const config = JSON.parse(
      await kubectl(["config", "view", "--raw", "--minify", "--flatten", "-o", "json"]),
    );
    const { server, "certificate-authority-data": ca } = config.clusters[0].cluster;
    const template = await Template.of();
    terraform = await Terraform.workspace(template.folder);
    template.remove();
    Object.assign(terraform.env, {
      KUBE_HOST: server,
      KUBE_TOKEN: await kubectl(["create", "token", "ccr", "-n", namespace]),
      KUBE_CLUSTER_CA_CERT_DATA: Buffer.from(ca, "base64").toString(),
      CODER_WORKSPACE_ID: `${randomBytes(4).toString("hex")}-3bb4-4c1f-9f65-0d6b3a1c7e55`,
    });
    await terraform.apply({ namespace, storage_class: CLASS });
    const bound = await waitFor(
      async () => {
        const now = await claim();
        return now.status.phase === "Bound" && now;
      },
      "the claim is bound",
      PATIENT,
    );
    uid = bound.metadata.uid;
    volume = bound.spec.volumeName;
  }, 300_000);
  afterAll(async () => {
    terraform?.remove();
    await kubectl(["delete", "namespace", namespace, "--wait=false"]);
  });

  it("gets a pod that the restricted profile lets in", async () => {
    const pods = await waitFor(
      async () => {
        const found = await get("pods");
        return found.length > 0 && found;
      },
      "the deployment has a pod",
      PATIENT,
    );
    expect(pods[0].spec.volumes[0].persistentVolumeClaim.claimName).toMatch(/-home$/);
    const [set] = await get("replicasets");
    expect((set.status.conditions ?? []).map((one: Json) => one.message)).toEqual([]);
  });

  it("keeps its home through every change", async () => {
    expect(await change()).toBe("20Gi");
    for (const variables of [
      { storage_class: "another" },
      { storage_class: "" },
      { namespace: "default" },
      { access_mode: "ReadWriteMany" },
    ] as Record<string, string>[])
      expect(await change(variables), JSON.stringify(variables)).toBe("20Gi");
    Object.assign(terraform.env, { CODER_WORKSPACE_NAME: "renamed", CODER_WORKSPACE_OWNER: "lovelace" });
    expect(await change()).toBe("20Gi");
    terraform.choose({ home_size: 5 });
    expect(await change()).toBe("20Gi");
  });

  it("grows by its parameter, and outside Terraform, and again by its parameter", async () => {
    terraform.choose({ home_size: 22 });
    expect(await change()).toBe("22Gi");
    const { name } = (await claim()).metadata;
    await kubectl([
      "patch",
      "pvc",
      name,
      "-n",
      namespace,
      "-p",
      '{"spec":{"resources":{"requests":{"storage":"25000Mi"}}}}',
    ]);
    expect(await change()).toBe("25000Mi");
    terraform.choose({ home_size: 26 });
    expect(await change()).toBe("26Gi");
  });

  it("is stopped and started with the same volume", async () => {
    terraform.env.CODER_WORKSPACE_TRANSITION = "stop";
    await change();
    expect(await get("deployments")).toEqual([]);
    delete terraform.env.CODER_WORKSPACE_TRANSITION;
    await change();
    expect(await get("deployments")).toHaveLength(1);
  });

  it("keeps its home with another template, another agent, another provider, everything at once", async () => {
    const newer = mirrored("hashicorp/kubernetes", "3.2.1");
    if (!newer) note("platform: no kubernetes provider 3.2.1 in the mirror: no upgrade to it on the cluster");
    const other = await Template.of({
      storageClass: "fast",
      namespace: "default",
      accessMode: "ReadWriteMany",
      homeSize: 1,
      homeLabels: { "recurring-job.longhorn.io/source": "enabled" },
      labels: { team: "core" },
      networkPolicy: true,
      ...(newer ? { kubernetesProvider: "3.2.1" } : {}),
    });
    const file = join(other.folder, "main.tf.json");
    writeFileSync(
      file,
      readFileSync(file, "utf8")
        .replaceAll("coder_agent.main", "coder_agent.dev")
        .replace(/("coder_agent": \{\s*)"main"/, '$1"dev"'),
    );
    terraform.load(other.folder);
    other.remove();
    await terraform.must("init", "-upgrade");
    Object.assign(terraform.env, { CODER_WORKSPACE_NAME: "again", CODER_WORKSPACE_OWNER: "byron" });
    terraform.choose({ home_size: 27 });
    expect(await change({ namespace: "default", storage_class: "fast", access_mode: "ReadWriteMany" })).toBe(
      "27Gi",
    );
    expect(await get("networkpolicies")).toHaveLength(1);
    expect(await get("deployments")).toHaveLength(1);
  });

  it("goes, home and all, when the workspace is deleted", async () => {
    await terraform.must("destroy", "-auto-approve", `-var=namespace=${namespace}`);
    await waitFor(
      async () => (await get("pvc")).length === 0 && (await get("deployments")).length === 0,
      "claim and deployment are deleted",
      PATIENT,
    );
  });
});
