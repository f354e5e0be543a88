import { Construct } from "constructs";
import { App } from "#coder/app";
import { literal, shellWord } from "../terraform-text.ts";

export interface SessionAppsProps {
  /** Of Coder's agent only the id is needed. */
  readonly agent: { readonly id: string };
  /** Name of the command in the workspace. */
  readonly command: string;
}

/** The buttons on the workspace's page. Each opens a terminal that stays open when the program in it ends. */
export class SessionApps extends Construct {
  constructor(scope: Construct, id: string, { agent, command }: SessionAppsProps) {
    super(scope, id);
    const app = (slug: string, displayName: string, icon: string, order: number, script: string) =>
      new App(this, slug, {
        agentId: agent.id,
        slug,
        displayName,
        icon,
        // The user's shell, which may be fish, reads this line.
        command: literal(`exec sh -c ${shellWord(`${script}; exec "\${SHELL:-/bin/sh}" -l`)}`),
        openIn: "tab",
        share: "owner",
        order,
      });
    app(
      "ccr",
      "Claude sessions",
      "/icon/claude.svg",
      1,
      `if command -v ${command} >/dev/null; then ${command}; else echo "${command} is not installed here. Check the logs of the workspace's start scripts."; fi`,
    );
    app(
      "tmux",
      "Newest tmux session",
      "/icon/terminal.svg",
      2,
      'newest=$(tmux list-sessions -F "#{session_activity} #{session_id}" 2>/dev/null | sort -rn | head -n 1); if [ -n "$newest" ]; then tmux attach-session -t "${newest#* }"; else echo "No tmux session is running."; fi',
    );
  }
}
