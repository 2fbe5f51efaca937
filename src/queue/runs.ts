import type { Redis } from "ioredis";
import { keyPrefix } from "./connection.ts";
import type { Blob } from "./description.ts";

/** A run that has not been heard of for this long has ended, however it did. */
const silenceMs = 15_000;
export const heartbeatMs = 5000;

/** Runs that want a sweep. */
const runsOf = (sweep: Blob) => `${keyPrefix}-runs:${sweep.sha256}`;
const runKey = (run: string) => `${keyPrefix}-run:${run}`;
/** A set of names is small, and dropped a day after the last was added. */
const namesSeconds = 86_400;

/** A run wants a sweep's jobs done, now and for a while. */
export async function wantSweep(redis: Redis, sweep: Blob, run: string): Promise<void> {
  await redis.set(runKey(run), "1", "PX", silenceMs);
  await redis.sadd(runsOf(sweep), run);
  await redis.expire(runsOf(sweep), namesSeconds);
}

/** Whether a run has been heard of lately: not where its machine slept, say. */
export async function isHeardOf(redis: Redis, run: string): Promise<boolean> {
  return (await redis.exists(runKey(run))) > 0;
}

/** A run has what it wanted, or wants it no more. @returns whether another run does */
export async function leaveSweep(redis: Redis, sweep: Blob, run: string): Promise<boolean> {
  await redis.del(runKey(run));
  await redis.srem(runsOf(sweep), run);
  return isWanted(redis, sweep);
}

/** Whether anyone waits for a sweep's jobs: a submitter that was killed does not. */
export async function isWanted(redis: Redis, sweep: Blob): Promise<boolean> {
  const runs = await redis.smembers(runsOf(sweep));
  return runs.length > 0 && (await redis.exists(...runs.map(runKey))) > 0;
}
