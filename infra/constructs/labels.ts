import type { DataCoderWorkspace } from "#coder/data-coder-workspace";
import type { DataCoderWorkspaceOwner } from "#coder/data-coder-workspace-owner";

/** The workspace that is being built and its owner, as Coder passes them to Terraform. */
export interface WorkspaceData {
  readonly me: DataCoderWorkspace;
  readonly owner: DataCoderWorkspaceOwner;
}

/** The labels of Coder's own Kubernetes template, so that tools which look for workspaces find ours too. */
export const labels = (name: "coder-pvc" | "coder-workspace", { me, owner }: WorkspaceData) => ({
  "app.kubernetes.io/name": name,
  "app.kubernetes.io/instance": `${name}-${me.id}`,
  "app.kubernetes.io/part-of": "coder",
  "com.coder.resource": "true",
  "com.coder.workspace.id": me.id,
  "com.coder.workspace.name": me.name,
  "com.coder.user.id": owner.id,
  "com.coder.user.username": owner.name,
});

export const annotations = ({ owner }: WorkspaceData) => ({ "com.coder.user.email": owner.email });

/** Selects the pod by ids only, because a selector can never change and names do. */
export const selector = (me: DataCoderWorkspace) => ({
  "app.kubernetes.io/instance": `coder-workspace-${me.id}`,
  "com.coder.workspace.id": me.id,
});
