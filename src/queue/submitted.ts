import { createHash, randomUUID } from "node:crypto";
import type { Job, Queue, QueueEvents } from "bullmq";
import type { SigmaQuantError } from "../core/errors.ts";
import type { LayerResult } from "../core/sensitivity/layerJobs.ts";
import type { JobListener } from "../core/sensitivity/measured.ts";
import { fromWire, type WireError } from "../core/wireError.ts";
import { touchEveryMs } from "./blobs.ts";
import { keyPrefix, type QueueConnection, version } from "./connection.ts";
import type { Blob, QueuedJob } from "./description.ts";
import { badQueueData, noWorker, workersLost } from "./errors.ts";
import { isWireError, resultOf } from "./guards.ts";
import { heartbeatMs, isHeardOf, leaveSweep, wantSweep } from "./runs.ts";

const lookEveryMs = 1000;
/** When there was no worker at so many looks, one is asked for. Looks, as time goes by while a machine sleeps, too. */
const noWorkerLooks = 10;
/** Jobs looked at each time beside what events tell: enough to go on when an event was lost, few enough for any number of jobs. */
const lookedAt = 20;
/** Results are kept for whoever asks for the same: a run that was interrupted begins again where it was. */
export const keepSeconds = 3600;

/** How often a job is given out when workers can't do it for reasons of their own. */
const attempts = 3;

/** The same job has the same name, whoever wants it done. */
export function jobIdOf(job: QueuedJob): string {
  return `job-${createHash("sha256").update(JSON.stringify(job)).digest("hex")}`;
}

/** What jobs of one sweep need on the server. */
export interface SentSweep {
  readonly sweep: Blob;
  /** Sends what is not there, or not any more, and keeps the rest for another while. */
  readonly send: () => Promise<void>;
}

/** Jobs that are in the queue, until their results are there. */
export class SubmittedJobs {
  private readonly run = randomUUID();
  private readonly open: Map<string, QueuedJob>;
  private readonly done = new Map<string, LayerResult>();
  private readonly timers: NodeJS.Timeout[] = [];
  private looksAlone = 0;
  private beating: Promise<void> | undefined;
  private settle: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;

  private constructor(
    private readonly connection: QueueConnection,
    private readonly jobs: readonly QueuedJob[],
    private readonly sent: SentSweep,
    private readonly listener: JobListener,
    private readonly queue: Queue,
    private readonly events: QueueEvents,
  ) {
    this.open = new Map(jobs.map((job) => [jobIdOf(job), job]));
  }

  /** Listens, before there is anything to be heard. @param jobs of one sweep */
  static async open(
    connection: QueueConnection,
    jobs: readonly QueuedJob[],
    sent: SentSweep,
    listener: JobListener,
  ): Promise<SubmittedJobs> {
    const { driver, options } = connection;
    const how = { connection: options, prefix: keyPrefix };
    const queue = new driver.Queue(version, how);
    const events = new driver.QueueEvents(version, how);
    // What goes wrong with a connection goes wrong with ours too, which tells it.
    queue.on("error", () => undefined);
    events.on("error", () => undefined);
    await Promise.race([Promise.all([queue.waitUntilReady(), events.waitUntilReady()]), connection.lost]);
    return new SubmittedJobs(connection, jobs, sent, listener, queue, events);
  }

  /** Adds the jobs and waits for all of them. @throws SigmaQuantError of the first that fails; the signal's reason */
  async results(signal?: AbortSignal): Promise<readonly LayerResult[]> {
    const settled = new Promise<void>((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    settled.catch(() => undefined);
    const abort = () => this.settle?.reject(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      signal?.throwIfAborted();
      await Promise.race([this.begin(), this.connection.lost, settled]);
      await Promise.race([settled, this.connection.lost]);
      return this.jobs.flatMap((job) => this.done.get(jobIdOf(job)) ?? []);
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Takes what is not done out of the queue, unless another run wants it, and has workers stop. */
  async close(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    this.timers.length = 0;
    this.settle = undefined;
    const { lost } = this.connection;
    await Promise.race([this.leave(), lost]).catch(() => undefined);
    // The driver's own `disconnect` would only make it connect again.
    const closed = Promise.all([this.events.close(), this.queue.close()]);
    await Promise.race([closed, lost]).catch(() => undefined);
  }

  private async leave(): Promise<void> {
    if (await leaveSweep(this.connection.redis, this.sent.sweep, this.run)) return;
    // One that a worker holds can't be removed; the worker will find that nobody wants it.
    for (const id of this.open.keys()) await this.queue.remove(id).catch(() => undefined);
  }

  private async begin(): Promise<void> {
    const { events } = this;
    events.on("completed", ({ jobId, returnvalue }) => this.completed(jobId, returnvalue));
    events.on("failed", ({ jobId, failedReason }) => void this.guard(this.failed(jobId, failedReason)));
    events.on("progress", ({ jobId, data }) => this.progressed(jobId, data));
    await this.add([...this.open.values()]);
    this.every(heartbeatMs, () => this.beat());
    this.every(touchEveryMs, () => this.sent.send());
    this.every(lookEveryMs, () => this.look());
    // Those that were done for another run have had their events.
    await this.lookAt([...this.open.keys()]);
  }

  private every(ms: number, act: () => Promise<void>): void {
    this.timers.push(setInterval(() => void this.guard(act()), ms));
  }

  private async guard(act: Promise<void>): Promise<void> {
    await act.catch((error: unknown) => this.settle?.reject(error));
  }

  /** Says that this run is there; whoever asks for it meanwhile waits for the same. */
  private beat(): Promise<void> {
    this.beating ??= this.sayWanted().finally(() => {
      this.beating = undefined;
    });
    return this.beating;
  }

  private async sayWanted(): Promise<void> {
    const { redis } = this.connection;
    // After a silence, of a machine that slept, say, what was sent may have expired; before jobs are wanted it has to be there.
    if (!(await isHeardOf(redis, this.run))) await this.sent.send();
    await wantSweep(redis, this.sent.sweep, this.run);
  }

  private async add(jobs: readonly QueuedJob[]): Promise<void> {
    // Workers drop what nobody wants.
    await this.beat();
    await this.queue.addBulk(
      jobs.map((job) => ({
        name: "layer",
        data: job,
        opts: { jobId: jobIdOf(job), attempts, removeOnComplete: { age: keepSeconds }, removeOnFail: true },
      })),
    );
  }

  private async look(): Promise<void> {
    if ((await this.queue.getWorkersCount()) > 0) this.looksAlone = 0;
    else if (++this.looksAlone >= noWorkerLooks) throw noWorker(this.connection.address, version);
    await this.lookAt([...this.open.keys()].slice(0, lookedAt));
  }

  /** What has become of jobs, whether an event told it or not. */
  private async lookAt(ids: readonly string[]): Promise<void> {
    const found = await Promise.all(ids.map((id) => this.queue.getJob(id) as Promise<Job | undefined>));
    const missing: QueuedJob[] = [];
    for (const [i, job] of found.entries()) {
      const id = ids[i] ?? "";
      const wanted = this.open.get(id);
      if (wanted === undefined) continue;
      if (job === undefined) missing.push(wanted);
      else if (job.finishedOn === undefined) continue;
      else if (job.failedReason) await this.failed(id, job.failedReason);
      else this.completed(id, job.returnvalue);
    }
    if (missing.length > 0) await this.add(missing);
  }

  private completed(id: string, value: unknown): void {
    const job = this.open.get(id);
    if (job === undefined) return;
    const result = resultOf(value, job);
    if (result === undefined) {
      // It would be found again by the next run.
      void this.queue.remove(id).catch(() => undefined);
      this.settle?.reject(badQueueData(`A worker's result for ${job.layer} is none`));
      return;
    }
    this.open.delete(id);
    this.done.set(id, result);
    for (const [bits, measured] of result.values) this.listener.onMeasured(job.layer, bits, measured);
    if (this.open.size === 0) this.settle?.resolve();
  }

  private async failed(id: string, reason: string): Promise<void> {
    const job = this.open.get(id);
    if (job === undefined) return;
    const error = errorOf(reason, job);
    // Dropped as the run that it was added for had left; this one has not.
    if (error === undefined) await this.add([job]);
    else throw error;
  }

  private progressed(id: string, bits: unknown): void {
    const job = this.open.get(id);
    const at = job?.bits.find((b) => b === bits);
    if (job && at !== undefined) this.listener.onStep(job.layer, at);
  }
}

/** What a worker says of a job that failed; undefined where it was only dropped. */
function errorOf(reason: string, job: QueuedJob): SigmaQuantError | undefined {
  const wire = parsed(reason);
  if (wire?.aborted) return undefined;
  if (wire) return fromWire({ ...wire, place: { item: job.layer, ...wire.place } });
  if (/stalled/.test(reason)) return workersLost(job.layer);
  return badQueueData(`A worker could not do ${job.layer}: ${reason.slice(0, 500)}`);
}

function parsed(reason: string): WireError | undefined {
  try {
    const value: unknown = JSON.parse(reason);
    return isWireError(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
