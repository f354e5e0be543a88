/** Example of your own template: adds a database container and a parameter for its memory to ours. */
import type { Construct } from "constructs";
import { ClaudeWorkspaceTemplate, NumberParameter, type Program, type Settings } from "../index.ts";

export class TeamTemplate extends ClaudeWorkspaceTemplate {
  constructor(scope: Construct, id: string, settings: Settings, program: Program) {
    super(scope, id, settings, program);
    const size = new NumberParameter(this, "database_memory", {
      displayName: "Database memory",
      description: "GiB of memory that the database may use.",
      icon: "/icon/database.svg",
      default: 1,
      min: 1,
      max: 8,
      order: 20,
    });
    this.pod.addContainer({
      name: "database",
      image: "postgres:17",
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
      resources: { limits: { memory: `${size.value}Gi` } },
    });
  }
}
