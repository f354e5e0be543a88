import { Construct } from "constructs";
import type { Agent } from "#coder/agent";
import { App } from "#coder/app";

export interface SessionAppProps {
  readonly agent: Agent;
  /** Name of the command in the workspace. */
  readonly command: string;
}

/** The button on the workspace's page: the sessions, in a terminal that stays when they are left. */
export class SessionApp extends Construct {
  constructor(scope: Construct, id: string, { agent, command }: SessionAppProps) {
    super(scope, id);
    new App(this, "ccr", {
      agentId: agent.id,
      slug: "ccr",
      displayName: "Claude sessions",
      icon: "/icon/claude.svg",
      command: [
        `if command -v ${command} >/dev/null; then ${command}`,
        `else echo '${command} is not installed here. The log of the start script "Claude sessions" says why.'`,
        'fi; exec "$${SHELL:-/bin/sh}" -l',
      ].join("; "),
      openIn: "tab",
      share: "owner",
      order: 1,
    });
  }
}
