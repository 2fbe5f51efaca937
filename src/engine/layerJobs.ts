import { atMost, type Compute } from "../core/compute/compute.ts";
import { RecordedDataset, type Recording } from "../core/data/recorded.ts";
import { findRuns } from "../core/data/runRecords.ts";
import type { BlockSize } from "../core/hardware/profile.ts";
import { withBlocks } from "../core/pipeline/blocks.ts";
import { elementTypeOf } from "../core/pipeline/elementTypes.ts";
import type { Inference, OnProgress } from "../core/ports.ts";
import { candidateWeights } from "../core/recovery/planWeights.ts";
import { Sweep } from "../core/sensitivity/sweep.ts";
import { openFileSource } from "../node/files.ts";
import { badQueueData } from "../queue/errors.ts";
import type { Jobs } from "./jobs.ts";
import type { EngineModels } from "./models.ts";

type Order = Jobs["layer"]["params"];

/**
 * Does a queue's jobs. Of the last sweep everything is kept for its next job: the model, the moments that weights are recovered by, the
 * float network's outputs, and the place that the walk through it has come to.
 */
export class LayerJobs {
  private kept: { readonly key: string; readonly sweep: Sweep } | undefined;

  constructor(
    private readonly models: EngineModels,
    private readonly inference: Inference,
    private readonly compute: Compute,
  ) {}

  /** The jobs of a worker come one after the other. */
  async sweep(order: Order, onProgress: OnProgress, signal: AbortSignal): Promise<Sweep> {
    const key = JSON.stringify([order.sweep, order.model, order.samples]);
    if (this.kept?.key === key) return this.kept.sweep;
    // Two would take twice the memory.
    this.kept = undefined;
    const sweep = await this.open(order, onProgress, signal);
    this.kept = { key, sweep };
    return sweep;
  }

  private async open(
    { sweep: description, model, samples }: Order,
    onProgress: OnProgress,
    signal: AbortSignal,
  ): Promise<Sweep> {
    const { dims, inputs, equalize, requantize, memory, blockSize } = description.model;
    const opened = await this.models.get({ path: model, dims, inputs, run: true, equalize, requantize, memory });
    const prepared = withBlocks(opened.prepared, blockSize as BlockSize | undefined);
    const { inference } = this;
    const { batch, threads } = description;
    const source = await openFileSource(samples);
    try {
      const runs = await findRuns(source, signal).catch((error: unknown) => {
        if (!(error instanceof RangeError)) throw error;
        throw badQueueData(`Samples in the queue are none: ${error.message}`);
      });
      const batches = [];
      for (const run of runs) if (run.kind === "sweep") batches.push(await run.read(signal));
      const weights = await candidateWeights(
        {
          prepared: opened.prepared,
          methods: new Set(description.recovery),
          calibration: recoverySet(description, runs),
          inference,
          compute: atMost(threads, this.compute),
          batch,
          threads,
        },
        onProgress,
        signal,
      );
      return await Sweep.open(
        {
          model: prepared.model,
          discovery: prepared.discovery,
          // As long as the sweep is kept, beyond the job that it was opened for.
          weights: weights.under(new AbortController().signal).on(prepared),
          batches,
          outputKind: prepared.outputKind,
          elementTypes: elementTypeOf(prepared.types),
          inference,
          threads,
        },
        () => onProgress({ stage: "Measuring", done: 0, total: 1, note: "float model" }),
        signal,
      );
    } finally {
      await source.close();
    }
  }
}

function recoverySet({ samples, rows }: Order["sweep"], found: Awaited<ReturnType<typeof findRuns>>): RecordedDataset {
  const runs = found.filter(({ kind }) => kind === "recovery");
  const counts = runs.map((run) => run.samples);
  const recording: Recording = {
    samples: counts.reduce((sum, count) => sum + count, 0),
    ...(rows && { rows }),
  };
  return new RecordedDataset(samples.sha256, recording, counts, (i, signal) => {
    const run = runs[i];
    if (run === undefined) throw new RangeError(`there is no run ${i}`);
    return run.read(signal);
  });
}
