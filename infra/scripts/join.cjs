// Joins the pieces of ccr's program and puts it into place. setup.sh runs this with `node -e`, so that an image needs
// neither base64 nor gunzip. Arguments: the folder with the pieces, their number, the sha256 of their joined text,
// the file of the program, and a temporary file in the same file system.
// On an error it prints one line and exits with status 1; the program that was there is untouched.
const { createHash } = require("node:crypto");
const { readFileSync, renameSync, writeFileSync } = require("node:fs");
const { gunzipSync } = require("node:zlib");

const [folder, count, sha256, program, temporary] = process.argv.slice(1);

function joined() {
  const pieces = [];
  for (let number = 1; number <= Number(count); number++)
    pieces.push(readFileSync(`${folder}/${number}-of-${count}`, "latin1"));
  const text = pieces.join("").replace(/\s/g, "");
  if (createHash("sha256").update(text).digest("hex") !== sha256) throw new Error("a piece is damaged");
  return gunzipSync(Buffer.from(text, "base64"));
}

function isInPlace(bytes) {
  try {
    return readFileSync(program).equals(bytes);
  } catch {
    return false;
  }
}

try {
  const bytes = joined();
  if (!isInPlace(bytes)) {
    writeFileSync(temporary, bytes, { mode: 0o600 });
    renameSync(temporary, program);
  }
} catch (error) {
  const full = error.code === "ENOSPC" || error.code === "EDQUOT";
  console.error(full ? "the disk is full" : error.message);
  process.exitCode = 1;
}
