/** An error that is shown without a stack: what happened, and a hint with what to do next. */
export class Problem extends Error {
  /** kebab-case, for scripts (`error.kind` in JSON) */
  readonly kind: string;
  /** lines that say what to do next */
  readonly hint: readonly string[];
  /** exit status: 1 failed or nothing found, 2 wrong usage or ambiguous */
  readonly exit: number;

  constructor(
    kind: string,
    message: string,
    options: { hint?: string | readonly string[]; exit?: number } = {},
  ) {
    super(message);
    this.name = "Problem";
    this.kind = kind;
    const { hint = [] } = options;
    this.hint = typeof hint === "string" ? [hint] : hint;
    this.exit = options.exit ?? 1;
  }
}

/** The errno code of a Node error (`"ENOENT"`), or undefined for anything else. */
export const errno = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;

const REASONS: Record<string, [what: string, hint: string]> = {
  ENOSPC: ["the disk is full", "make room, then run it again: df -h ~"],
  EDQUOT: ["the disk quota is used up", "make room, then run it again"],
  EACCES: ["permission denied", "check owner and mode: ls -ld"],
  EPERM: ["not permitted", "check owner and mode: ls -ld"],
  EROFS: ["the file system is read-only", "use a writable folder"],
  ENOENT: ["no such file or directory", ""],
  ENOTDIR: ["a part of the path is not a directory", ""],
  EISDIR: ["is a directory", ""],
  ENXIO: ["not a regular file", "move it away"],
  EMFILE: ["too many open files", "raise the limit: ulimit -n"],
  ENAMETOOLONG: ["the name is too long", ""],
  ELOOP: ["too many symbolic links", ""],
};

/** Turns any error into a Problem. Errors of the file system are named in plain words. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const code = errno(error);
  const known = code === undefined ? undefined : REASONS[code];
  if (known && code) {
    const path = (error as NodeJS.ErrnoException).path;
    return new Problem(code.toLowerCase(), path ? `${path}: ${known[0]}` : known[0], {
      hint: known[1] || "check the path",
    });
  }
  const message = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
  return new Problem("internal", `unexpected error: ${message}`, {
    hint: "this is a bug in ccr; CCR_DEBUG=1 shows where",
  });
}
