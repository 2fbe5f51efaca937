/** Folders in the user's cache that are either whole or absent, however many clones fill them at once. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

/** Installing takes well under a minute; a lock this old is of a process that hangs or of another machine on a shared home. */
const lockPatienceMs = 10 * 60_000;
const lockPollMs = 250;

/** @returns {string} where this project may keep what is costly to fetch, by the platform's convention */
export function cacheFolder() {
  const home = os.homedir();
  const base =
    process.env.XDG_CACHE_HOME ||
    (process.platform === "darwin"
      ? path.join(home, "Library/Caches")
      : process.platform === "win32"
        ? process.env.LOCALAPPDATA || path.join(home, "AppData/Local")
        : path.join(home, ".cache"));
  return path.join(base, "sigmaquant");
}

/**
 * The folder, made by `fill` if it is not there. Filled beside its place and renamed when whole.
 * @param {string} folder
 * @param {(empty: string) => Promise<void>} fill
 */
export async function cachedFolder(folder, fill) {
  if (existsSync(folder)) return;
  mkdirSync(path.dirname(folder), { recursive: true });
  await withLock(`${folder}.lock`, async () => {
    if (existsSync(folder)) return;
    const growing = `${folder}.${process.pid}.tmp`;
    rmSync(growing, { recursive: true, force: true });
    mkdirSync(growing, { recursive: true });
    try {
      await fill(growing);
      if (!existsSync(folder)) renameSync(growing, folder);
    } finally {
      rmSync(growing, { recursive: true, force: true });
    }
  });
}

/**
 * Runs one process at a time. A lock left by a process that is gone is taken over; should two take it over at once, both do the
 * work and the later one's is thrown away.
 * @param {string} lock
 * @param {() => Promise<void>} work
 */
async function withLock(lock, work) {
  const deadline = Date.now() + lockPatienceMs;
  while (!tryLock(lock)) {
    if (Date.now() > deadline || holderIsGone(lock)) rmSync(lock, { force: true });
    else await sleep(lockPollMs);
  }
  const release = () => rmSync(lock, { force: true });
  process.once("exit", release);
  try {
    await work();
  } finally {
    release();
    process.off("exit", release);
  }
}

/** @param {string} lock */
function tryLock(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") return false;
    throw error;
  }
}

/** @param {string} lock */
function holderIsGone(lock) {
  try {
    const holder = Number(readFileSync(lock, "utf8"));
    // Empty: its maker is about to write its number.
    if (holder === 0) return false;
    process.kill(holder, 0);
    return false;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "ESRCH";
  }
}
