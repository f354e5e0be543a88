import type { AgentConfig } from "#coder/agent";
import { literal, shellWord } from "../terraform-text.ts";
import { withoutComments } from "./file-script.ts";

/** The text of a row that rows.sh knows. */
export const sessionRow = (row: string, command: string): string =>
  ["#!/bin/sh", `ccr_row=${row}`, `ccr_name=${literal(shellWord(command))}`, withoutComments("rows.sh")].join(
    "\n",
  );

export interface DashboardProps {
  readonly command: string;
  readonly homePath: string;
}

/** Rows of the workspace's page, in their order. Cheap: `coder stat` is the agent itself, the rest reads files. */
export const rowsOf = ({ command, homePath }: DashboardProps) => {
  const row = (key: string, displayName: string, script: string, interval: number, order: number) => ({
    key,
    displayName,
    script,
    interval,
    timeout: 10,
    order,
  });
  return [
    row("cpu", "CPU", "coder stat cpu", 10, 1),
    row("memory", "Memory", "coder stat mem", 10, 2),
    row("home", "Home", literal(`coder stat disk --path ${shellWord(homePath)}`), 60, 3),
    row("live", "Claude sessions", sessionRow("live", command), 30, 4),
    row("limited", "Limited sessions", sessionRow("limited", command), 60, 5),
    row("reset", "Next reset", sessionRow("reset", command), 60, 6),
    row("ccr", "ccr", sessionRow("status", command), 60, 7),
  ];
};

/** What Coder warns the user of. 0 is never. */
export const monitoringOf = (
  homePath: string,
  memory: number,
  home: number,
): AgentConfig["resourcesMonitoring"] =>
  memory === 0 && home === 0
    ? undefined
    : {
        ...(memory > 0 ? { memory: { enabled: true, threshold: memory } } : {}),
        ...(home > 0 ? { volume: [{ path: homePath, enabled: true, threshold: home }] } : {}),
      };
