import { mkdtempSync, rmSync } from "node:fs";
import { statfs } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import process from "node:process";

/** A disk that a benchmark fills to the last byte is no good to anyone else. */
const spareBytes = 2 ** 30;

const stopping = ["SIGINT", "SIGTERM"] as const;
/** As shells report Ctrl-C. */
const stoppedCode = 130;

/**
 * Gives `work` a folder in the system's temporary one (TMPDIR), and removes it however this ends.
 * @param bytes that will be written there
 * @throws when the disk has not that much to spare
 */
export async function withScratch<T>(bytes: number, work: (folder: string) => Promise<T>): Promise<T> {
  const { bavail, bsize } = await statfs(os.tmpdir());
  if (bavail * bsize < bytes + spareBytes) {
    const needed = ((bytes + spareBytes) / 1e9).toFixed(1);
    throw new Error(`${os.tmpdir()} needs ${needed} GB of free space; another folder can be named by TMPDIR`);
  }
  const folder = mkdtempSync(path.join(os.tmpdir(), "sigmaquant-bench-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  // Without a handler these end the process at once, and gigabytes would stay.
  const stop = () => process.exit(stoppedCode);
  for (const name of stopping) process.once(name, stop);
  try {
    return await work(folder);
  } finally {
    process.off("exit", remove);
    for (const name of stopping) process.off(name, stop);
    remove();
  }
}
