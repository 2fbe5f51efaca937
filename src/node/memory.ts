import os from "node:os";
import process from "node:process";

/** Of the memory that there is, the share that an analysis takes where nobody says. Our choice: an editor works beside it. */
const usualShare = 1 / 4;

/** Bytes that an analysis may take: what was asked for, or a quarter of the machine's memory, or of what a container has of it. */
export function analysisMemory(asked?: number): number {
  // 0 or a huge number where there is no limit.
  const constrained = process.constrainedMemory();
  const limit = constrained > 0 ? constrained : Number.POSITIVE_INFINITY;
  return asked ?? Math.floor(Math.min(os.totalmem(), limit) * usualShare);
}
