/** What a Claude tells the programs it starts: with these a new Claude would take itself for a part of that one. */
const OF_A_PARENT =
  /^(?:CLAUDECODE|CLAUDE_PID|CLAUDE_EFFORT|CLAUDE_CODE_(?:CHILD_SESSION|SESSION_ID|ENTRYPOINT|SSE_PORT|BRIDGE_.*|REMOTE_SESSION_ID|HOST_SESSION_ID|LAUNCHED_BY_.*|EXECPATH))$/;

/** The person's environment for a Claude of its own. */
export function claudeEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !OF_A_PARENT.test(name)));
}
