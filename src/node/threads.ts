import { readFileSync } from "node:fs";
import os from "node:os";
import process from "node:process";

/**
 * Threads for runs whose results have to be the same wherever they are made: the runtime's own choice, one for each physical core,
 * but as a number, that goes with a job to other machines. How the runtime cuts a sum depends on it.
 */
export function definiteThreads(asked?: number): number {
  // More than there are only wait for each other: thirty times as long with fifty times as many.
  if (asked !== undefined) return Math.min(asked, os.availableParallelism());
  return Math.max(1, Math.min(os.availableParallelism(), physicalCores() ?? Number.POSITIVE_INFINITY));
}

/** Undefined where the system does not tell: with hyperthreading on Windows two threads share a core then. */
function physicalCores(): number | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const text = readFileSync("/proc/cpuinfo", "utf8");
    const cores = text.split(/\n\n+/).flatMap((cpu) => {
      const part = (name: string) => new RegExp(`^${name}\\s*:\\s*(\\d+)`, "m").exec(cpu)?.[1];
      const [socket, core] = [part("physical id"), part("core id")];
      return socket === undefined || core === undefined ? [] : [`${socket}:${core}`];
    });
    return new Set(cores).size || undefined;
  } catch {
    return undefined;
  }
}
