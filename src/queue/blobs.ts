import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import type { ByteSink } from "../core/ports.ts";
import { fileError } from "../node/errors.ts";
import { keyPrefix } from "./connection.ts";
import type { Blob } from "./description.ts";
import { badQueueData } from "./errors.ts";

/** Large enough that the cost of a command vanishes; Redis takes up to 512 MB. */
const chunkBytes = 4 * 2 ** 20;
/** What no run has asked for in this time is gone from the server. Runs ask again every some minutes. */
const expirySeconds = 3600;
export const touchEveryMs = 10 * 60_000;

/** The size stands here when all chunks are there. */
const markerOf = (sha256: string) => `${keyPrefix}-blob:${sha256}`;
const chunkOf = (sha256: string, i: number) => `${markerOf(sha256)}:${i}`;

/** Hash and size of bytes that come in parts. */
export async function blobOf(parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<Blob> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const part of parts) {
    hash.update(part);
    bytes += part.length;
  }
  return { sha256: hash.digest("hex"), bytes };
}

/**
 * Makes sure that the server has a blob.
 * @param parts gives its bytes; called only where it is not there yet
 * @returns whether it had to be sent
 * @throws SigmaQuantError SQ1005 when the bytes are not those any more that the hash was taken of
 */
export async function putBlob(
  redis: Redis,
  blob: Blob,
  parts: () => Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  onSent: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<boolean> {
  if (await touchBlob(redis, blob)) return false;
  const hash = createHash("sha256");
  let index = 0;
  let sent = 0;
  const send = async (chunk: Uint8Array) => {
    signal?.throwIfAborted();
    await redis.set(chunkOf(blob.sha256, index++), Buffer.from(chunk), "EX", expirySeconds);
    sent += chunk.length;
    onSent(sent);
  };
  const filling = new Uint8Array(chunkBytes);
  let filled = 0;
  for await (const part of parts()) {
    hash.update(part);
    for (let at = 0; at < part.length; ) {
      const taken = Math.min(chunkBytes - filled, part.length - at);
      filling.set(part.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      if (filled < chunkBytes) continue;
      await send(filling.slice());
      filled = 0;
    }
  }
  if (filled > 0) await send(filling.slice(0, filled));
  if (sent !== blob.bytes || hash.digest("hex") !== blob.sha256) {
    throw fileError("changed", "A file was changed while it was being sent to the queue", {});
  }
  await redis.set(markerOf(blob.sha256), String(blob.bytes), "EX", expirySeconds);
  return true;
}

/** Keeps a blob on the server for another while. False when it, or a part of it, is not there. */
export async function touchBlob(redis: Redis, { sha256, bytes }: Blob): Promise<boolean> {
  if ((await redis.get(markerOf(sha256))) !== String(bytes)) return false;
  const keys = [...Array.from({ length: chunkCount(bytes) }, (_, i) => chunkOf(sha256, i)), markerOf(sha256)];
  const kept = await Promise.all(keys.map((key) => redis.expire(key, expirySeconds)));
  return kept.every((done) => done === 1);
}

/**
 * Copies a blob from the server, checked against its hash.
 * @throws SigmaQuantError SQ6203 when it is gone or damaged; it is then taken for gone by whoever would send it
 */
export async function getBlob(redis: Redis, blob: Blob, sink: ByteSink, signal?: AbortSignal): Promise<void> {
  const { sha256, bytes } = blob;
  const hash = createHash("sha256");
  for (let i = 0; i < chunkCount(bytes); i++) {
    signal?.throwIfAborted();
    const chunk = await redis.getBuffer(chunkOf(sha256, i));
    const expected = Math.min(chunkBytes, bytes - i * chunkBytes);
    if (chunk?.length !== expected)
      throw await damaged(redis, blob, chunk === null ? "are gone" : "have another length");
    hash.update(chunk);
    await sink.write(chunk);
  }
  if (hash.digest("hex") !== sha256) throw await damaged(redis, blob, "do not have the hash that they are named by");
}

async function damaged(redis: Redis, { sha256, bytes }: Blob, how: string): Promise<Error> {
  await redis.del(markerOf(sha256));
  return badQueueData(`Data in the queue ${how} (${bytes} bytes, ${sha256.slice(0, 12)})`);
}

function chunkCount(bytes: number): number {
  return Math.ceil(bytes / chunkBytes);
}
