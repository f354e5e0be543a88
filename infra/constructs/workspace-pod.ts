import { DeploymentV1 } from "@cdktf/provider-kubernetes/lib/deployment-v1/index.js";
import type { DeploymentV1SpecTemplateSpecContainer } from "@cdktf/provider-kubernetes/lib/deployment-v1/index-structs/index.js";
import { Construct } from "constructs";
import type { Agent } from "#coder/agent";
import { literal, literals } from "../terraform-text.ts";
import type { Toleration, Volume } from "../validators.ts";
import type { HomeVolume } from "./home-volume.ts";
import { annotations, labels, selector, type WorkspaceData } from "./labels.ts";

export interface WorkspacePodProps extends WorkspaceData {
  readonly agent: Agent;
  readonly home: HomeVolume;
  readonly homePath: string;
  readonly image: string;
  readonly imagePullPolicy: string;
  readonly imagePullSecrets: readonly string[];
  /** Limits: cores, and memory with its unit. */
  readonly cpu: string;
  readonly memory: string;
  readonly requests: { readonly cpu: string; readonly memory: string };
  readonly runAsUser: number;
  /** Group of the processes and of the files in a new home. */
  readonly runAsGroup: number;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly tolerations: readonly Toleration[];
  /** Written as in a Kubernetes pod. */
  readonly affinity: Readonly<Record<string, unknown>>;
  /** "" in these three means the cluster's default. */
  readonly serviceAccount: string;
  readonly priorityClass: string;
  readonly runtimeClass: string;
  /** Seconds. */
  readonly terminationGrace: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly volumes: readonly Volume[];
  /** Config map and key of CA certificates. */
  readonly ca: { readonly configMap: string; readonly key: string } | undefined;
}

/** Where the CA certificates are mounted in the pod. */
const CA_FOLDER = "/etc/ccr-ca";

/** The running workspace: one pod that exists while the workspace is started. */
export class WorkspacePod extends Construct {
  readonly deployment: DeploymentV1;
  private readonly containers: DeploymentV1SpecTemplateSpecContainer[];

  constructor(scope: Construct, id: string, props: WorkspacePodProps) {
    super(scope, id);
    const { me, owner, agent, home, ca } = props;
    const podLabels = { ...literals(props.labels), ...labels("coder-workspace", { me, owner }) };
    const env = { ...(ca ? certificates(`${CA_FOLDER}/${ca.key}`) : {}), ...props.env };
    const extra = props.volumes.map((volume) => literals(volume));

    this.containers = [
      {
        name: "dev",
        image: props.image,
        imagePullPolicy: props.imagePullPolicy,
        command: ["sh", "-c", agent.initScript],
        env: [
          { name: "CODER_AGENT_TOKEN", value: agent.token },
          ...Object.entries(env).map(([name, value]) => ({ name, value: literal(value) })),
        ],
        securityContext: {
          runAsUser: String(props.runAsUser),
          // The provider writes false if this is missing, and the container's value overrides the pod's.
          runAsNonRoot: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ["ALL"] },
        },
        resources: {
          requests: props.requests,
          limits: { cpu: props.cpu, memory: props.memory },
        },
        volumeMount: [
          { name: "home", mountPath: props.homePath, readOnly: false },
          ...(ca ? [{ name: "ca", mountPath: CA_FOLDER, readOnly: true }] : []),
          ...extra.map(({ name, mountPath, subPath, readOnly = false }) => ({
            name,
            mountPath,
            subPath,
            readOnly,
          })),
        ],
      },
    ];
    this.deployment = new DeploymentV1(this, "main", {
      // 0 while the workspace is stopped.
      count: me.startCount,
      waitForRollout: false,
      metadata: {
        name: `coder-${me.id}`,
        // The claim's namespace, not the variable: a pod in another namespace than its volume would wait forever.
        namespace: home.claim.metadata.namespace,
        labels: podLabels,
        annotations: { ...literals(props.annotations), ...annotations({ me, owner }) },
      },
      spec: {
        replicas: "1",
        // The volume can only be attached to one pod at a time.
        strategy: { type: "Recreate" },
        // Kubernetes does not allow changes here.
        selector: { matchLabels: selector(me) },
        template: {
          metadata: {
            labels: podLabels,
            ...(Object.keys(props.annotations).length > 0
              ? { annotations: literals(props.annotations) }
              : {}),
          },
          spec: {
            // Nothing in a workspace uses the cluster's API unless the admin gave it an account.
            automountServiceAccountToken: props.serviceAccount !== "",
            serviceAccountName: props.serviceAccount || undefined,
            priorityClassName: props.priorityClass || undefined,
            runtimeClassName: props.runtimeClass || undefined,
            terminationGracePeriodSeconds: props.terminationGrace,
            enableServiceLinks: false,
            nodeSelector:
              Object.keys(props.nodeSelector).length > 0 ? { ...literals(props.nodeSelector) } : undefined,
            toleration: props.tolerations.map(({ tolerationSeconds, ...toleration }) => ({
              ...literals(toleration),
              ...(tolerationSeconds === undefined ? {} : { tolerationSeconds: String(tolerationSeconds) }),
            })),
            imagePullSecrets: props.imagePullSecrets.map((name) => ({ name })),
            securityContext: {
              runAsUser: String(props.runAsUser),
              runAsGroup: String(props.runAsGroup),
              runAsNonRoot: true,
              fsGroup: String(props.runAsGroup),
              // Otherwise every start walks the whole home and makes 0600 files group-readable.
              fsGroupChangePolicy: "OnRootMismatch",
              seccompProfile: { type: "RuntimeDefault" },
            },
            container: this.containers,
            volume: [
              {
                name: "home",
                persistentVolumeClaim: { claimName: home.claim.metadata.name, readOnly: false },
              },
              ...(ca ? [{ name: "ca", configMap: { name: ca.configMap } }] : []),
              ...extra.map(source),
            ],
          },
        },
      },
    });
    if (Object.keys(props.affinity).length > 0)
      this.deployment.addOverride("spec.template.spec.affinity", snakeCase(literals(props.affinity)));
  }

  /** Adds a container to the pod. It must comply with the restricted profile, as the pod does. */
  addContainer(container: DeploymentV1SpecTemplateSpecContainer): void {
    this.containers.push(container);
    this.deployment.spec.template.spec.putContainer(this.containers);
  }
}

/** Variables for programs that bring their own certificates. */
const certificates = (file: string) => ({
  SSL_CERT_FILE: file,
  NODE_EXTRA_CA_CERTS: file,
  CURL_CA_BUNDLE: file,
  GIT_SSL_CAINFO: file,
  REQUESTS_CA_BUNDLE: file,
});

function source({ name, claim, secret, configMap, emptyDir, readOnly = false }: Volume) {
  if (claim !== undefined) return { name, persistentVolumeClaim: { claimName: claim, readOnly } };
  if (secret !== undefined) return { name, secret: { secretName: secret } };
  if (configMap !== undefined) return { name, configMap: { name: configMap } };
  return { name, emptyDir: emptyDir ? { sizeLimit: emptyDir } : {} };
}

/** Converts Kubernetes' names to those of Terraform's provider. Label keys stay as they are. */
function snakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCase);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key === "matchLabels") return ["match_labels", inner];
      const name = key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      return [name === "node_selector_terms" ? "node_selector_term" : name, snakeCase(inner)];
    }),
  );
}
