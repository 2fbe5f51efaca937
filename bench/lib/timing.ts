import { performance } from "node:perf_hooks";
import process from "node:process";

/** CPU milliseconds of this process, all threads: what other processes take of the machine is not in it. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
}

/** CPU milliseconds of one call. */
export function cpuOf(work: () => unknown): number {
  const began = cpuMs();
  work();
  return cpuMs() - began;
}

export interface Timed<T> {
  readonly ms: number;
  readonly cpuMs: number;
  readonly value: T;
}

/** One call by the clock and in CPU time. */
export async function timed<T>(work: () => Promise<T> | T): Promise<Timed<T>> {
  const began = performance.now();
  const before = cpuMs();
  const value = await work();
  return { ms: performance.now() - began, cpuMs: cpuMs() - before, value };
}

/** The fastest of several calls: the machine may be busy. */
export async function bestOf<T>(runs: number, work: () => Promise<T> | T): Promise<Timed<T>> {
  let best = await timed(work);
  for (let run = 1; run < runs; run++) {
    const next = await timed(work);
    if (next.ms < best.ms) best = next;
  }
  return best;
}

/** The middle one; the mean of the middle two of an even number. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : (high + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
