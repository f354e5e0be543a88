let handoff: string | undefined;

/**
 * Gives this process the environment of the person who called, first thing: the shim sets some of Node's variables aside
 * for our start, and sets one of its own (`NODE_COMPILE_CACHE`), which no program that we start may inherit.
 */
export function restoreEnvironment(env: NodeJS.ProcessEnv = process.env): void {
  const started = env.CCR_HANDOFF !== undefined;
  handoff = env.CCR_HANDOFF;
  delete env.CCR_HANDOFF;
  for (const name of ["NODE_OPTIONS", "NODE_EXTRA_CA_CERTS", "NODE_COMPILE_CACHE"]) {
    const theirs = env[`CCR_${name}`];
    delete env[`CCR_${name}`];
    if (theirs !== undefined) env[name] = theirs;
    else if (started || env[name] === "") delete env[name];
  }
}

/** Descriptor on which the shim waits for the line that it shall run when we have ended. */
export const handoffDescriptor = (): number => Number(handoff);
