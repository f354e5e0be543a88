import { ARCHIVE_FLAGS, archiveSessions } from "../cli/archive-sessions.ts";
import { SESSION_FLAGS } from "../cli/choose-sessions.ts";
import { type Command, isSet } from "../cli/command.ts";

export const archive: Command = {
  usage: "archive [session…] [--older-than 90d] [flags]",
  description:
    "Puts each session into an archive of its own, the smallest first, and reads it back. With --delete the session is then deleted, after its archive was read again and compared with what lies here. Run it again after it was stopped: it goes on. ccr-import brings a session back.",
  flags: {
    ...SESSION_FLAGS,
    ...ARCHIVE_FLAGS,
    delete: { type: "boolean", description: "delete what is safely archived" },
  },
  positionals: "session",
  json: true,
  examples: [
    ["ccr-archive --older-than 90d", "keep what nobody has touched for 90 days"],
    ["ccr-archive --older-than 90d --to /mnt/big --delete", "… elsewhere, and make room here"],
    ["ccr-import ~/.local/state/ccr/archives/shop-4bb63347.tar.gz", "bring one back"],
  ],
  run: (call) => archiveSessions(call, "archive", isSet(call, "delete")),
};
