import type { Dataset } from "../core/data/dataset.ts";
import { recordedRuns, recordingOf } from "../core/data/recorded.ts";
import { encodeRun } from "../core/data/runRecords.ts";
import type { JobsElsewhere } from "../core/pipeline/analysis.ts";
import type { PreparedModel } from "../core/pipeline/prepare.ts";
import type { OnProgress } from "../core/ports.ts";
import { type RecoveryMethod, recoveryMethods } from "../core/recovery/methods.ts";
import { looksAtSamples, recoverySamples, usableRecovery } from "../core/recovery/planWeights.ts";
import type { LayerResult } from "../core/sensitivity/layerJobs.ts";
import type { JobListener } from "../core/sensitivity/measured.ts";
import type { SweepBatch } from "../core/sensitivity/reference.ts";
import type { ModelFile } from "../node/openModel.ts";
import { blobOf, putBlob } from "./blobs.ts";
import { connectQueue, type QueueConnection, queueError } from "./connection.ts";
import type { Blob, QueuedJob, SweepDescription } from "./description.ts";
import { type ModelPart, modelParts } from "./modelFiles.ts";
import { type SentSweep, SubmittedJobs } from "./submitted.ts";

/** A model and settings whose sweep is to be done by a queue's workers. */
export interface QueueRun {
  readonly url: string;
  /** As prepareModel was given it, and open. */
  readonly model: Pick<SweepDescription["model"], "dims" | "inputs" | "equalize" | "requantize"> & {
    readonly file: ModelFile;
  };
  readonly methods: ReadonlySet<RecoveryMethod>;
  readonly calibration: Dataset;
  readonly batch: number;
  readonly threads: number;
}

/** What has to be on the server before a worker can begin. */
interface Sending {
  readonly blob: Blob;
  readonly what: string;
  readonly parts: ModelPart["parts"];
}

/**
 * Has jobs done by the workers of a queue; results are those that this process would come to, to the last bit, where the workers'
 * processors are of the same kind.
 * @throws (the jobs) SigmaQuantError SQ1035, SQ6201-SQ6204, and whatever a worker meets
 */
export function jobsInQueue(run: QueueRun, onProgress: OnProgress): JobsElsewhere {
  return (prepared, batches) => async (jobs, listener, signal) => {
    onProgress({ stage: "Sending", done: 0, total: 1, note: "to the queue" });
    const connection = await connectQueue(run.url);
    try {
      const { description, sending } = await describe(run, prepared, batches, signal);
      const text = new TextEncoder().encode(JSON.stringify(description));
      const sweep = await blobOf([text]);
      const all: readonly Sending[] = [...sending, { blob: sweep, what: "settings", parts: () => once(text) }];
      const send = async () => {
        for (const { blob, what, parts } of all) {
          await putBlob(
            connection.redis,
            blob,
            parts,
            (sent) => onProgress({ stage: "Sending", done: sent, total: blob.bytes, note: what }),
            signal,
          );
        }
      };
      await send();
      const queued = jobs.map(({ layer, bits }): QueuedJob => ({ sweep, layer, bits }));
      return await finished(connection, queued, { sweep, send }, listener, signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw queueError(connection, error);
    } finally {
      connection.close();
    }
  };
}

async function finished(
  connection: QueueConnection,
  jobs: readonly QueuedJob[],
  sweep: SentSweep,
  listener: JobListener,
  signal?: AbortSignal,
): Promise<readonly LayerResult[]> {
  const submitted = await SubmittedJobs.open(connection, jobs, sweep, listener);
  try {
    return await submitted.results(signal);
  } finally {
    await submitted.close();
  }
}

async function describe(
  { model, methods, calibration, batch, threads }: QueueRun,
  prepared: PreparedModel,
  batches: readonly SweepBatch[],
  signal?: AbortSignal,
): Promise<{ readonly description: SweepDescription; readonly sending: readonly Sending[] }> {
  const files = await modelParts(model.file, signal);
  const usable = usableRecovery(methods, calibration);
  const recording = looksAtSamples(usable)
    ? await recordingOf(calibration, Math.min(recoverySamples, calibration.samples), signal)
    : { samples: 0 };
  const records = async function* () {
    for (const each of batches) yield* encodeRun("sweep", each);
    for await (const each of recordedRuns(calibration, recording, batch, signal)) yield* encodeRun("recovery", each);
  };
  const samples = await blobOf(records());
  const blockSize = prepared.discovery.layers.find((layer) => layer.blockSize !== undefined)?.blockSize;
  const { dims, inputs, equalize, requantize } = model;
  return {
    description: {
      model: {
        files: files.map((file) => file.description),
        dims,
        inputs,
        equalize,
        requantize,
        memory: prepared.memory,
        ...(blockSize !== undefined && { blockSize }),
      },
      samples,
      ...(recording.rows && { rows: recording.rows }),
      recovery: recoveryMethods.filter((method) => usable.has(method)),
      batch,
      threads,
    },
    sending: [
      ...files.map(({ description, parts }) => ({ blob: description, what: "the model", parts })),
      { blob: samples, what: "samples", parts: records },
    ],
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
