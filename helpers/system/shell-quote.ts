/** Quotes a text as one word for sh, bash and zsh. */
export const alwaysQuote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** Words that no shell changes. zsh takes a leading `=` for the path of a command. */
const PLAIN = /^[\w@%+:,./-][\w@%+=:,./-]*$/;

/** Quotes a text as one word for sh, bash and zsh when it needs quotes: for commands that people read. */
export const quote = (text: string): string => (PLAIN.test(text) ? text : alwaysQuote(text));

/** Quotes a text as one word for fish, where a backslash counts inside single quotes. */
export const fishQuote = (text: string): string =>
  `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

/** The command line that changes to a directory and starts a program there, as a person can type it. */
export const commandLine = (directory: string, argv: readonly string[]): string =>
  `cd ${quote(directory)} && ${argv.map(quote).join(" ")}`;
