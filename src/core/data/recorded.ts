import type { Tensor } from "../ports.ts";
import type { Batch, Dataset } from "./dataset.ts";
import { concatRows, sliceRows } from "./elements.ts";

/**
 * How the runs of a set can be cut anew: `rows` names the inputs that have a row for each sample, of which any number may go through
 * the network at once. Absent where a run is what it is, as the model's batch is fixed or a sample is a whole input.
 */
export interface Recording {
  readonly samples: number;
  readonly rows?: readonly string[];
}

/** Finds out how a set can be cut, by what its first runs look like. @param samples of the set that will be asked for */
export async function recordingOf(dataset: Dataset, samples: number, signal?: AbortSignal): Promise<Recording> {
  const one = await dataset.batch(0, 1, signal);
  if (samples < 2 || one.samples !== 1) return { samples };
  const two = await dataset.batch(0, 2, signal);
  if (two.samples !== 2) return { samples };
  const rows = Object.keys(two.feeds).filter((name) => two.feeds[name]?.dims[0] !== one.feeds[name]?.dims[0]);
  return { samples, rows };
}

/** The runs that a set is kept as. @param size samples in each, where that is free */
export async function* recordedRuns(
  dataset: Dataset,
  { samples }: Recording,
  size: number,
  signal?: AbortSignal,
): AsyncGenerator<Batch> {
  for (let done = 0; done < samples; ) {
    signal?.throwIfAborted();
    const batch = await dataset.batch(done, Math.min(size, samples - done), signal);
    yield batch;
    done += batch.samples;
  }
}

/** The first samples of a set as they went into the network: gives the very runs that the set gives, however they are cut. */
export class RecordedDataset implements Dataset {
  readonly name = "recorded samples";
  readonly hasLabels = false;
  readonly synthetic = false;
  readonly notes: readonly string[] = [];
  readonly samples: number;
  private readonly starts: readonly number[];

  /**
   * @param runs how many samples each run has; they follow each other
   * @param read gives a run by its number
   */
  constructor(
    readonly hash: string,
    private readonly recording: Recording,
    runs: readonly number[],
    private readonly read: (run: number, signal?: AbortSignal) => Promise<Batch>,
  ) {
    let samples = 0;
    this.starts = runs.map((count) => {
      samples += count;
      return samples - count;
    });
    this.samples = samples;
  }

  async batch(from: number, count: number, signal?: AbortSignal): Promise<Batch> {
    const { rows } = this.recording;
    if (rows === undefined) return this.read(this.runAt(from), signal);
    const parts: Record<string, Tensor[]> = {};
    let whole: Batch["feeds"] = {};
    for (let at = from; at < Math.min(from + count, this.samples); ) {
      const run = this.runAt(at);
      const start = this.starts[run] ?? 0;
      const { feeds, samples } = await this.read(run, signal);
      const end = Math.min(from + count, start + samples);
      for (const name of rows) {
        const feed = feeds[name];
        if (feed) parts[name] = [...(parts[name] ?? []), sliceRows(feed, at - start, end - at)];
      }
      whole = feeds;
      at = end;
    }
    const joined = Object.entries(parts).map(([name, list]) => [name, concatRows(list)] as const);
    // In the order of the set's own inputs, whatever is joined.
    const feeds = { ...whole, ...Object.fromEntries(joined) };
    return { feeds, samples: Math.min(count, this.samples - from) };
  }

  async labels(): Promise<undefined> {
    return undefined;
  }

  pick(): Dataset {
    throw new Error("recorded samples are not chosen from");
  }

  async close(): Promise<void> {}

  /** The run that has a sample. */
  private runAt(sample: number): number {
    return this.starts.findLastIndex((start) => start <= sample);
  }
}
