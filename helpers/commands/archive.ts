import { ARCHIVE_FLAGS, archiveSessions } from "../cli/archive-sessions.ts";
import { SESSION_FLAGS } from "../cli/choose-sessions.ts";
import { type Command, isSet } from "../cli/command.ts";

export const archive: Command = {
  usage: "archive [session…] [--older-than 90d] [flags]",
  description:
    "Writes an archive for each session, the smallest session first, and verifies it. With --delete, the session is deleted once its archive was read again and compared with the files here. If it is interrupted, run it again: it continues where it stopped. ccr-import imports the archives.",
  flags: {
    ...SESSION_FLAGS,
    ...ARCHIVE_FLAGS,
    delete: { type: "boolean", description: "delete sessions once their archives are verified" },
  },
  positionals: "session",
  json: true,
  examples: [
    ["ccr-archive --older-than 90d", "archive sessions that nobody has used for 90 days"],
    ["ccr-archive --older-than 90d --to /mnt/big --delete", "the same, to another disk, and free space here"],
    ["ccr-import ~/.local/state/ccr/archives/shop-4bb63347.tar.gz", "import one again"],
  ],
  run: (call) => archiveSessions(call, "archive", isSet(call, "delete")),
};
