import type { DataCoderWorkspace } from "#coder/data-coder-workspace";
import type { DataCoderWorkspaceOwner } from "#coder/data-coder-workspace-owner";

/** The workspace that is built and its owner, as Coder hands them to Terraform. */
export interface Whose {
  readonly me: DataCoderWorkspace;
  readonly owner: DataCoderWorkspaceOwner;
}

/** Labels of Coder's own Kubernetes template: tools that look for workspaces find these too. */
export const labels = (what: "coder-pvc" | "coder-workspace", { me, owner }: Whose) => ({
  "app.kubernetes.io/name": what,
  "app.kubernetes.io/instance": `${what}-${me.id}`,
  "app.kubernetes.io/part-of": "coder",
  "com.coder.resource": "true",
  "com.coder.workspace.id": me.id,
  "com.coder.workspace.name": me.name,
  "com.coder.user.id": owner.id,
  "com.coder.user.username": owner.name,
});

export const annotations = ({ owner }: Whose) => ({ "com.coder.user.email": owner.email });

/** What finds the pod: ids alone, because selectors cannot change and names do. */
export const selector = (me: DataCoderWorkspace) => ({
  "app.kubernetes.io/instance": `coder-workspace-${me.id}`,
  "com.coder.workspace.id": me.id,
});
