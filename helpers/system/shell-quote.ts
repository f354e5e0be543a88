/** A word for sh, bash and zsh that stands for exactly this text. */
export const sh = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** The same for fish, where a backslash counts inside of quotes. */
export const fish = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
