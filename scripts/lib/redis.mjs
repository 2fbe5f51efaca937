/** Finds the Redis server that tests of the queue start, or installs Debian's. */
import { existsSync } from "node:fs";
import process from "node:process";
import { aptInstall, canAptInstall } from "./aptInstall.mjs";
import { findOnPath } from "./run.mjs";

/** Set to a server of your choice; Valkey's is as good. */
const variable = "REDIS_SERVER_PATH";

/** @returns {string | undefined} the program's path */
function findRedis() {
  const chosen = process.env[variable];
  if (chosen) {
    if (!existsSync(chosen)) throw new Error(`${variable} names ${chosen}, which is not there.`);
    return chosen;
  }
  return findOnPath("redis-server") ?? findOnPath("valkey-server");
}

/** @returns {Promise<string>} the program's path; on a Debian, as root, installs it first if it is missing */
export async function ensureRedis() {
  const found = findRedis();
  if (found !== undefined) return found;
  if (!canAptInstall()) {
    throw new Error(
      `The tests of the queue need a Redis server. Install it (Debian, Ubuntu: sudo apt-get install redis-server; macOS: brew install redis) or set ${variable} to its path.`,
    );
  }
  await aptInstall("redis-server");
  const installed = findRedis();
  if (installed === undefined) throw new Error("redis-server was installed, but is not on the PATH.");
  return installed;
}
