import { DeploymentV1 } from "@cdktf/provider-kubernetes/lib/deployment-v1/index.js";
import { Construct } from "constructs";
import type { Agent } from "#coder/agent";
import type { HomeVolume } from "./home-volume.ts";
import { annotations, labels, type Whose } from "./labels.ts";

export interface WorkspacePodProps extends Whose {
  readonly agent: Agent;
  readonly home: HomeVolume;
  readonly homePath: string;
  readonly image: string;
  /** Limits: cores, and memory with its unit. */
  readonly cpu: string;
  readonly memory: string;
  readonly requests: { readonly cpu: string; readonly memory: string };
}

/** The running workspace: one pod that is there while the workspace is started. */
export class WorkspacePod extends Construct {
  constructor(scope: Construct, id: string, props: WorkspacePodProps) {
    super(scope, id);
    const { me, owner, agent, home } = props;
    const podLabels = labels("coder-workspace", { me, owner });

    new DeploymentV1(this, "main", {
      // 0 when the workspace is stopped.
      count: me.startCount,
      waitForRollout: false,
      metadata: {
        name: `coder-${me.id}`,
        // The claim's, not the variable's: a pod beside its volume would wait for ever.
        namespace: home.claim.metadata.namespace,
        labels: podLabels,
        annotations: annotations({ me, owner }),
      },
      spec: {
        replicas: "1",
        // The volume can be attached to one pod at a time.
        strategy: { type: "Recreate" },
        // Immutable in Kubernetes, so made of ids only: names change.
        selector: {
          matchLabels: {
            "app.kubernetes.io/instance": podLabels["app.kubernetes.io/instance"],
            "com.coder.workspace.id": me.id,
          },
        },
        template: {
          metadata: { labels: podLabels },
          spec: {
            // Nothing in a workspace speaks to the cluster.
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            securityContext: {
              runAsUser: "1000",
              runAsNonRoot: true,
              fsGroup: "1000",
              // Else every start walks the whole home and makes 0600 files group-readable.
              fsGroupChangePolicy: "OnRootMismatch",
              seccompProfile: { type: "RuntimeDefault" },
            },
            container: [
              {
                name: "dev",
                image: props.image,
                imagePullPolicy: "Always",
                command: ["sh", "-c", agent.initScript],
                env: [{ name: "CODER_AGENT_TOKEN", value: agent.token }],
                securityContext: {
                  runAsUser: "1000",
                  // The provider writes false where nothing is said, and the container's word counts.
                  runAsNonRoot: true,
                  allowPrivilegeEscalation: false,
                  capabilities: { drop: ["ALL"] },
                },
                resources: {
                  requests: props.requests,
                  limits: { cpu: props.cpu, memory: props.memory },
                },
                volumeMount: [{ name: "home", mountPath: props.homePath, readOnly: false }],
              },
            ],
            volume: [
              {
                name: "home",
                persistentVolumeClaim: { claimName: home.claim.metadata.name, readOnly: false },
              },
            ],
          },
        },
      },
    });
  }
}
