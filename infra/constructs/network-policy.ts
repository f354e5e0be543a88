import { NetworkPolicyV1 } from "@cdktf/provider-kubernetes/lib/network-policy-v1/index.js";
import { Construct } from "constructs";
import type { DataCoderWorkspace } from "#coder/data-coder-workspace";
import type { HomeVolume } from "./home-volume.ts";
import { selector } from "./labels.ts";

export interface NetworkPolicyProps {
  readonly me: DataCoderWorkspace;
  readonly home: HomeVolume;
  /** TCP ports in addition to Coder's own. */
  readonly ports: readonly number[];
  readonly blocks: readonly string[];
}

/** Blocks all incoming connections (the agent connects to Coder, not the reverse), and outgoing ones except DNS, Coder and the given ports. */
export class NetworkPolicy extends Construct {
  constructor(scope: Construct, id: string, { me, home, ports, blocks }: NetworkPolicyProps) {
    super(scope, id);
    new NetworkPolicyV1(this, "network", {
      count: me.startCount,
      metadata: { name: `coder-${me.id}`, namespace: home.claim.metadata.namespace },
      spec: {
        podSelector: { matchLabels: selector(me) },
        policyTypes: ["Ingress", "Egress"],
        egress: [
          { ports: ["UDP", "TCP"].map((protocol) => ({ port: "53", protocol })) },
          {
            ports: ["${tostring(data.coder_workspace.me.access_port)}", ...ports.map(String)].map((port) => ({
              port,
              protocol: "TCP",
            })),
            to: blocks.map((cidr) => ({ ipBlock: { cidr } })),
          },
        ],
      },
    });
  }
}
