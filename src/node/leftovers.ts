import { createHash, randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import process from "node:process";

/** Folders are shared between machines; what another one's process has begun is not ours to judge. */
const machine = createHash("sha256").update(os.hostname()).digest("hex").slice(0, 8);

/** `.sigmaquant-<machine>-<process>-<random>.tmp`, or `.draft` for a folder; short, since names have at most 255 bytes. */
const pattern = /^\.sigmaquant-([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.(?:tmp|draft)$/;

/** What this process has begun and not ended. */
const begun = new Set<string>();

/**
 * A path for something temporary in a folder, that this process removes at the latest when it exits. What was there before and may have
 * to be put back is `old`: nobody removes that.
 */
export function temporaryPath(folder: string, ending: "tmp" | "draft" | "old"): string {
  const name = `.sigmaquant-${machine}-${process.pid}-${randomBytes(6).toString("hex")}.${ending}`;
  const made = path.join(folder, name);
  if (ending === "old") return made;
  if (begun.size === 0) process.once("exit", removeBegun);
  begun.add(made);
  return made;
}

/** It has become something else, or is gone. */
export function ended(temporary: string): void {
  begun.delete(temporary);
  if (begun.size === 0) process.off("exit", removeBegun);
}

function removeBegun(): void {
  for (const each of begun) {
    try {
      rmSync(each, { recursive: true, force: true });
    } catch {
      // The next run does it.
    }
  }
}

/** Removes from a folder what processes of this machine have left there that ended without a chance to: killed, or crashed. */
export async function removeLeftovers(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const [, where, pid] = pattern.exec(name) ?? [];
    if (where !== machine || isRunning(Number(pid))) continue;
    await rm(path.join(folder, name), { recursive: true, force: true }).catch(() => {});
  }
}

/** Whether there is a process of that number, whosever it is. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
