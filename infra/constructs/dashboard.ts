import type { AgentConfig } from "#coder/agent";
import { literal, shellWord, withoutComments } from "../terraform-text.ts";
import { PROGRAM_SHA256 } from "./setup-script.ts";

/** The script of a row that rows.sh can print. `settings` are more lines for the front of it. */
export const sessionRow = (row: string, command: string, settings: readonly string[] = []): string =>
  [
    "#!/bin/sh",
    `ccr_row=${row}`,
    `ccr_name=${literal(shellWord(command))}`,
    ...settings,
    `\${${withoutComments("rows.sh")}}`,
  ].join("\n");

export interface DashboardProps {
  readonly command: string;
  readonly homePath: string;
  /** Number of start scripts that the program comes in. */
  readonly pieces: number;
}

/** The rows of the workspace's page, in order. They are cheap: `coder stat` is the agent itself, the others read files. */
export const rowsOf = ({ command, homePath, pieces }: DashboardProps) => {
  const program = [`ccr_sha256='\${${PROGRAM_SHA256}}'`, `ccr_count=${pieces}`];
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
    row("ccr", "ccr", sessionRow("status", command, program), 60, 7),
  ];
};

/** When Coder warns the user: percent of memory and of the home volume; 0 is never. */
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
