import os from "node:os";
import type { Job, Queue, Worker } from "bullmq";
import { SigmaQuantError } from "../core/errors.ts";
import { toWire, type WireError } from "../core/wireError.ts";
import { EngineClient, enginesGone } from "../node/engineClient.ts";
import { getBlob } from "./blobs.ts";
import { WorkerCache } from "./cache.ts";
import { connectQueue, keyPrefix, type QueueConnection, queueError, version } from "./connection.ts";
import type { QueuedJob, SweepDescription } from "./description.ts";
import { badQueueData } from "./errors.ts";
import { isQueuedJob, isSweepDescription, maxDescriptionBytes, type WireResult, wireResult } from "./guards.ts";
import { isWanted } from "./runs.ts";
import { jobIdOf, keepSeconds } from "./submitted.ts";

/**
 * A worker says so often that it is still at a job (it can at any time: the network runs in another process); when it has not for
 * `lockMs`, others take the job over at their next look. Seconds: a lost job costs little, a slow network is not slower than that.
 */
const lockMs = 6000;
const lookForLostMs = 3000;
/** A job that ended this many workers is likely to end the next. */
const maxLost = 2;
/** A worker finds out this soon that nobody wants its job any more. */
const stopLookMs = 1000;
/** Results that are older than they are kept are removed this often; the driver itself does so only when another job is done. */
const tidyEveryMs = 10 * 60_000;

export interface WorkerSettings {
  readonly url: string;
  readonly cacheFolder: string;
  /** The engine's bundle. */
  readonly engineFile: string;
  readonly log: (line: string) => void;
  /** What is always told. */
  readonly say: (line: string) => void;
}

/**
 * Does a queue's jobs until `signal` is aborted; the job at hand then goes back to the queue.
 * @throws SigmaQuantError SQ1035, SQ6001-SQ6003 without ONNX Runtime, SQ6201 when the queue can't be reached, or not any more
 */
export async function runWorker(settings: WorkerSettings, signal: AbortSignal): Promise<void> {
  const connection = await connectQueue(settings.url);
  const engine = new EngineClient(settings.engineFile, settings.log);
  try {
    // Else every job that it took would fail.
    await engine.run("runtime", null, () => {}, signal);
    const jobs = new WorkerJobs(connection, engine, settings, signal);
    await jobs.prepare();
    const { Worker: Jobs, Queue } = connection.driver;
    const worker = new Jobs(version, (job, token) => jobs.process(job, token), {
      connection: connection.options,
      prefix: keyPrefix,
      concurrency: 1,
      lockDuration: lockMs,
      stalledInterval: lookForLostMs,
      maxStalledCount: maxLost,
    });
    const queue = new Queue(version, { connection: connection.options, prefix: keyPrefix });
    const tell = (error: unknown) => settings.log(queueError(connection, error).message);
    worker.on("error", tell);
    queue.on("error", tell);
    const tidy = () => queue.clean(keepSeconds * 1000, 0, "completed").catch(tell);
    const timer = setInterval(() => void tidy(), tidyEveryMs);
    try {
      await Promise.race([Promise.all([worker.waitUntilReady(), tidy()]), connection.lost]);
      settings.say(`Waiting for jobs at ${connection.address.shown} (SigmaQuant ${version})`);
      await Promise.race([aborted(signal), connection.lost]);
    } finally {
      clearInterval(timer);
      await ended([worker, queue], connection);
    }
  } catch (error) {
    signal.throwIfAborted();
    throw queueError(connection, error);
  } finally {
    engine.dispose();
    connection.close();
    await enginesGone();
  }
}

async function ended(parts: readonly (Worker | Queue)[], { lost }: QueueConnection): Promise<void> {
  const closed = Promise.all(parts.map((part) => part.close()));
  const isLost = await Promise.race([closed.then(() => false), lost.catch(() => true)]);
  if (isLost) await Promise.all(parts.map((part) => part.disconnect().catch(() => undefined)));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

class WorkerJobs {
  private readonly cache: WorkerCache;
  private last: { readonly sha256: string; readonly description: SweepDescription } | undefined;

  constructor(
    private readonly connection: QueueConnection,
    private readonly engine: EngineClient,
    private readonly settings: WorkerSettings,
    private readonly signal: AbortSignal,
  ) {
    const { redis } = connection;
    this.cache = new WorkerCache(settings.cacheFolder, async (blob, write) => {
      await getBlob(redis, blob, { write }, signal);
      settings.log(`Fetched ${blob.bytes} bytes (${blob.sha256.slice(0, 12)})`);
    });
  }

  prepare(): Promise<void> {
    return this.cache.prepare();
  }

  async process(job: Job, token: string | undefined): Promise<WireResult> {
    const { UnrecoverableError, WaitingError } = this.connection.driver;
    try {
      return await this.result(job);
    } catch (error) {
      if (this.signal.aborted && token !== undefined) {
        // This worker ends: the job is the next one's.
        await job.moveToWait(token);
        throw new WaitingError();
      }
      const told = JSON.stringify(wireOf(error));
      // Another machine may have the memory or the space that this one lacks.
      if (isOwnTrouble(error)) throw new Error(told);
      throw new UnrecoverableError(told);
    }
  }

  private async result(job: Job): Promise<WireResult> {
    const { log } = this.settings;
    const data: unknown = job.data;
    if (!isQueuedJob(data) || job.id !== jobIdOf(cleaned(data))) throw badQueueData("A job in the queue is none");
    const controller = new AbortController();
    const stop = () => controller.abort(this.signal.reason);
    this.signal.addEventListener("abort", stop, { once: true });
    const check = async () => {
      if (!(await isWanted(this.connection.redis, data.sweep))) controller.abort(new Unwanted());
    };
    const timer = setInterval(() => void check().catch(() => undefined), stopLookMs);
    try {
      await check();
      controller.signal.throwIfAborted();
      log(`${data.layer} at ${data.bits.join(", ")} bits`);
      return await this.measure(job, data, controller.signal);
    } finally {
      clearInterval(timer);
      this.signal.removeEventListener("abort", stop);
    }
  }

  private async measure(job: Job, { sweep, layer, bits }: QueuedJob, signal: AbortSignal): Promise<WireResult> {
    const description = await this.describe(sweep, signal);
    const model = await this.cache.files(description.model.files);
    const samples = await this.cache.files([{ ...description.samples, path: "runs" }]);
    const { values } = await this.engine.run(
      "layer",
      { sweep: description, model, samples, job: { layer, bits } },
      (event) => {
        if (event.type === "measured") job.updateProgress(event.bits).catch(() => undefined);
      },
      signal,
    );
    return wireResult({ values });
  }

  private async describe(sweep: QueuedJob["sweep"], signal: AbortSignal): Promise<SweepDescription> {
    if (this.last?.sha256 === sweep.sha256) return this.last.description;
    const parts: Uint8Array[] = [];
    if (sweep.bytes > maxDescriptionBytes) throw badQueueData("A job's settings in the queue are too long");
    const write = async (bytes: Uint8Array) => void parts.push(bytes);
    await getBlob(this.connection.redis, sweep, { write }, signal);
    const description = parsed(Buffer.concat(parts).toString("utf8"));
    if (!isSweepDescription(description)) throw badQueueData("A job's settings in the queue are none");
    this.last = { sha256: sweep.sha256, description };
    return description;
  }
}

/** A process that ran out of memory or crashed (SQ6101), a cache that can't be written (SQ1010 to SQ1013). */
function isOwnTrouble(error: unknown): boolean {
  return error instanceof SigmaQuantError && /^SQ(6101|101[0-3])$/.test(error.code);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Nobody waits for the job any more. */
class Unwanted extends Error {}

/** The fields that a name is made of, in their order, and no other. */
function cleaned({ sweep: { sha256, bytes }, layer, bits }: QueuedJob): QueuedJob {
  return { sweep: { sha256, bytes }, layer, bits };
}

function wireOf(error: unknown): WireError {
  if (error instanceof Unwanted) return { message: "nobody wants it", aborted: true };
  const wire = toWire(error);
  // Which of many machines it was.
  return error instanceof SigmaQuantError ? { ...wire, message: `${wire.message} (worker ${os.hostname()})` } : wire;
}
