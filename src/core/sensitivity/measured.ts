import type { Bits } from "../hardware/profile.ts";
import type { Discovery } from "../model/discover.ts";
import type { OnProgress } from "../ports.ts";
import {
  jobsFor,
  knownResults,
  type LayerJob,
  type LayerResult,
  type Measurements,
  mergeResults,
} from "./layerJobs.ts";
import type { WeightSource } from "./layerValues.ts";
import type { ReferenceInput } from "./reference.ts";
import { Sweep, sitesInOrder } from "./sweep.ts";
import { SweepShare } from "./sweepShare.ts";
import type { Measurement, SensitivityMetric, SensitivityTable } from "./types.ts";

/** Told by whoever does jobs, as they come along. */
export interface JobListener {
  /** A layer is at a bitwidth, or at its start. */
  readonly onStep: (layer: string, bits?: Bits) => void;
  readonly onMeasured: (layer: string, bits: Bits, value: Measurement) => void;
}

/** Does jobs of one sweep: in this process (Sweep), or in others. Results may come in any order. */
export type DoJobs = (
  jobs: readonly LayerJob[],
  listener: JobListener,
  signal?: AbortSignal,
) => Promise<readonly LayerResult[]>;

export interface SweepInput extends ReferenceInput {
  readonly discovery: Discovery;
  readonly weights: WeightSource;
  /** Bits to measure, by layer. */
  readonly bits: (layer: string) => readonly Bits[];
  /** Measurements known from an earlier, interrupted run: `layer` -> bits -> value in `metrics`. */
  readonly known?: (layer: string, bits: Bits) => Measurement | undefined;
  readonly onMeasured?: (layer: string, bits: Bits, value: Measurement) => void;
  /** Who does the jobs instead of this process. */
  readonly elsewhere?: DoJobs;
}

/**
 * Measures what quantizing each layer alone does to the network's output, on calibration samples (method.md, "Measured
 * sensitivity"): splits the work into jobs, has them done, and merges their results.
 */
export async function measureSensitivities(
  input: SweepInput,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<Measurements> {
  const sites = sitesInOrder(input.discovery);
  const layers = sites.map((site) => site.layer.name);
  const total = layers.reduce((sum, layer) => sum + input.bits(layer).length, 0);
  const known = knownResults(layers, input.bits, input.known);
  const jobs = jobsFor(layers, input.bits, input.known);
  if (jobs.length === 0) return mergeResults(known);

  let done = known.reduce((sum, { values }) => sum + values.size, 0);
  const time = new SweepShare(
    sites.map((site) => site.layer),
    (layer) => input.bits(layer).length,
  );
  for (const { layer, values } of known) time.add(layer, values.size);
  const report = (note: string, item?: string) =>
    onProgress({ stage: "Measuring", done, total, note, share: time.share, ...(item !== undefined && { item }) });
  const listener: JobListener = {
    onStep: (layer, bits) => report(bits === undefined ? layer : `${layer} at ${bits} bits`, layer),
    onMeasured: (layer, bits, value) => {
      input.onMeasured?.(layer, bits, value);
      done++;
      time.add(layer);
      report(`${layer} at ${bits} bits`, layer);
    },
  };
  const doJobs = input.elsewhere ?? here(input, () => report("float model"));
  return mergeResults([...known, ...(await doJobs(jobs, listener, signal))]);
}

/** Does jobs in this process, one after the other. */
function here(input: SweepInput, onReference: () => void): DoJobs {
  return async (jobs, { onStep, onMeasured }, signal) => {
    const sweep = await Sweep.open(input, onReference, signal);
    const results: LayerResult[] = [];
    for (const job of jobs) {
      onStep(job.layer);
      results.push(await sweep.run(job, (bits, value) => onMeasured(job.layer, bits, value), signal));
    }
    return results;
  };
}

/** The metric that a table of measurements is read by: KL for classifiers, normalized error elsewhere; the task loss on request. */
export function sensitivityTable(
  measurements: ReadonlyMap<string, ReadonlyMap<Bits, Measurement>>,
  metric: SensitivityMetric,
  samples: number,
  synthetic: boolean,
): SensitivityTable {
  const byLayer: Record<string, Partial<Record<Bits, number>>> = {};
  for (const [layer, byBits] of measurements) {
    const row: Partial<Record<Bits, number>> = {};
    for (const [bits, value] of byBits) {
      const figure = metric === "kl" ? value.kl : metric === "loss" ? value.loss : value.nmse;
      // A task loss can fall by chance; a negative harm would reward fewer bits.
      if (figure !== undefined) row[bits] = Math.max(0, figure);
    }
    byLayer[layer] = row;
  }
  return { metric, samples, synthetic, byLayer };
}
