import type { Redis } from "ioredis";
import packageJson from "../../package.json" with { type: "json" };
import { SigmaQuantError } from "../core/errors.ts";
import { parseQueueUrl, type QueueAddress } from "./address.ts";
import { unreachable } from "./errors.ts";

type Driver = typeof import("./driver.ts")["driver"];

/** A server that does not answer in this time is taken for none. */
const connectTimeoutMs = 5000;
/** A connection that was lost is tried for again so often, at growing intervals: half a minute in all. */
const maxRetries = 20;
const slowestRetryMs = 2000;

/** Jobs go to workers of the same version only: what they make of a job follows from the program too. */
export const version: string = packageJson.version;
/** Of all keys of the queue's driver; ours begin with it too. */
export const keyPrefix = "sigmaquant";

/** A connection to a queue's server, and what opens further ones. */
export interface QueueConnection {
  readonly address: QueueAddress;
  readonly driver: Driver;
  /** For blobs and keys of our own. */
  readonly redis: Redis;
  /** What the driver's queues and workers connect with. */
  readonly options: ConnectionSettings;
  /** Rejects when the connection is lost for good. */
  readonly lost: Promise<never>;
  close(): void;
}

export type ConnectionSettings = ReturnType<typeof settingsOf>;

/**
 * Connects, once: a server that is not there is told at once, and not waited for.
 * @throws SigmaQuantError SQ1035, SQ6201
 */
export async function connectQueue(url: string): Promise<QueueConnection> {
  const address = parseQueueUrl(url);
  const { driver } = await import("./driver.ts");
  let connected = false;
  const options = settingsOf(address, () => connected);
  const redis = new driver.Redis({ ...options, lazyConnect: true });
  let reason: unknown;
  redis.on("error", (error: Error) => {
    reason = error;
  });
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    redis.disconnect();
    throw unreachable(address, reason ?? error);
  }
  connected = true;
  const lost = new Promise<never>((_, reject) => {
    redis.once("end", () => reject(unreachable(address, reason ?? new Error("the connection was closed"))));
  });
  lost.catch(() => undefined);
  return { address, driver, redis, options, lost, close: () => redis.disconnect() };
}

function settingsOf({ host, port, db, tls, username, password }: QueueAddress, mayRetry: () => boolean) {
  return {
    host,
    port,
    db,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: { servername: host } }),
    connectTimeout: connectTimeoutMs,
    // The driver's blocking commands wait as long as it takes.
    maxRetriesPerRequest: null,
    retryStrategy: (times: number) =>
      mayRetry() && times <= maxRetries ? Math.min(times * 100, slowestRetryMs) : null,
  };
}

/** Any error of the server or the connection as one of ours. */
export function queueError(connection: Pick<QueueConnection, "address">, error: unknown): SigmaQuantError {
  return error instanceof SigmaQuantError ? error : unreachable(connection.address, error);
}
