import type { Dataset } from "../data/dataset.ts";
import type { Bits } from "../hardware/profile.ts";
import { type LayerSite, quantizableSites } from "../model/discover.ts";
import { maxModelBytes } from "../onnx/limits.ts";
import type { Inference, OnProgress } from "../ports.ts";
import type { Measurements } from "../sensitivity/layerJobs.ts";
import { type DoJobs, measureSensitivities, type SweepInput, sensitivityTable } from "../sensitivity/measured.ts";
import type { SweepBatch } from "../sensitivity/reference.ts";
import type { SensitivityTable, WeightStatistics } from "../sensitivity/types.ts";
import { weightStatistics } from "../sensitivity/weightStatistics.ts";
import type { CandidateWeights } from "./candidates.ts";
import { elementTypeOf } from "./elementTypes.ts";
import { affordableSamples, largestCutBytes } from "./heldMemory.ts";
import type { PreparedModel } from "./prepare.ts";
import { drawnCount, mostStoodFor, sweepBatches } from "./sweepSamples.ts";

/** Sigma, KL, SQNR and MSE of every quantizable layer's weights; needs no data and runs nothing. */
export async function analyzeWeights(
  prepared: PreparedModel,
  weights: CandidateWeights,
  bits: readonly Bits[],
  onProgress: OnProgress,
  signal?: AbortSignal,
  onLayer?: (layer: string, statistics: WeightStatistics) => void,
): Promise<Map<string, WeightStatistics>> {
  const sites = quantizableSites(prepared.discovery);
  const found = new Map<string, WeightStatistics>();
  for (const [done, { layer }] of sites.entries()) {
    signal?.throwIfAborted();
    onProgress({ stage: "Weights", done, total: sites.length, note: layer.name });
    const statistics = weightStatistics(
      await weights.weight(layer.name),
      layer.weightShape,
      layer.channelAxis,
      bits,
      layer.blockSize === undefined ? {} : { blockSize: layer.blockSize },
      signal,
    );
    found.set(layer.name, statistics);
    onLayer?.(layer.name, statistics);
  }
  onProgress({ stage: "Weights", done: sites.length, total: sites.length });
  return found;
}

export interface MeasureSettings {
  readonly inference: Inference;
  readonly samples: number;
  readonly batch: number;
  readonly threads?: number;
  /** Bits to measure, by layer. */
  readonly bits: (layer: string) => readonly Bits[];
  readonly known?: SweepInput["known"];
  readonly onMeasured?: SweepInput["onMeasured"];
  /** Has the jobs done by other processes. */
  readonly elsewhere?: JobsElsewhere;
}

/** Who does the jobs of a sweep over these batches of this model, whose device has its blocks already. */
export type JobsElsewhere = (prepared: PreparedModel, batches: readonly SweepBatch[]) => DoJobs;

/** Why a model's sensitivities can't be measured by running it, or undefined. */
export function unmeasurable(prepared: PreparedModel): string | undefined {
  const { discovery } = prepared;
  const bytes = discovery.layers.reduce((sum, layer) => sum + layer.floatBytes, discovery.otherConstantBytes);
  // Parts of the network are handed to the runtime as one message, which protobuf limits.
  if (bytes > maxModelBytes) return "the model is larger than 2 GiB, so that its parts cannot be run one by one";
  return undefined;
}

/**
 * What quantizing each layer alone does to the network's output, on the first `samples` of a calibration set: an
 * estimate of the mean over all of them, from those that say most of it (see drawSamples). Runs nothing where all is known already.
 */
export async function measureLayers(
  prepared: PreparedModel,
  weights: CandidateWeights,
  dataset: Dataset,
  settings: MeasureSettings,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<{ table: SensitivityTable; measurements: Measurements }> {
  const sites = quantizableSites(prepared.discovery);
  const { inference, batch, threads, bits, known, onMeasured, elsewhere } = settings;
  const running = { inference, batch, ...(threads !== undefined && { threads }) };
  const wanted = Math.min(settings.samples, dataset.samples);
  const held = affordableSamples(drawnCount(wanted), largestCutBytes(prepared, sites.map(firstUse)));
  const samples = Math.min(wanted, mostStoodFor(held));
  const isKnown = sites.every(({ layer: { name } }) => bits(name).every((b) => known?.(name, b) !== undefined));
  const batches = isKnown ? [] : await sweepBatches(prepared, dataset, samples, running, onProgress, signal);
  const measurements = await measureSensitivities(
    {
      model: prepared.model,
      discovery: prepared.discovery,
      weights,
      batches,
      outputKind: prepared.outputKind,
      bits,
      elementTypes: elementTypeOf(prepared.types),
      ...running,
      ...(known && { known }),
      ...(onMeasured && { onMeasured }),
      ...(elsewhere && { elsewhere: elsewhere(prepared, batches) }),
    },
    onProgress,
    signal,
  );
  const metric = prepared.outputKind === "values" ? "nmse" : "kl";
  return { table: sensitivityTable(measurements, metric, samples, dataset.synthetic), measurements };
}

function firstUse(site: LayerSite): number {
  return Math.min(...site.uses.map((use) => use.index));
}
