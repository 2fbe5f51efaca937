import { type Compute, inParallel, inPlace } from "../compute/compute.ts";
import { sharedFloats } from "../compute/shared.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Bits } from "../hardware/profile.ts";
import { type LayerSite, quantizableSites } from "../model/discover.ts";
import { product } from "../model/weightChain.ts";
import { maxModelBytes } from "../onnx/limits.ts";
import type { Inference, OnProgress } from "../ports.ts";
import type { Measurements } from "../sensitivity/layerJobs.ts";
import { type DoJobs, measureSensitivities, type SweepInput, sensitivityTable } from "../sensitivity/measured.ts";
import type { SweepBatch } from "../sensitivity/reference.ts";
import type { SensitivityTable, WeightStatistics } from "../sensitivity/types.ts";
import type { CandidateWeights } from "./candidates.ts";
import { elementTypeOf } from "./elementTypes.ts";
import { affordableSamples, largestCutBytes, memoryFor } from "./heldMemory.ts";
import type { PreparedModel } from "./prepare.ts";
import { drawnCount, mostStoodFor, sweepBatches } from "./sweepSamples.ts";

/** Weights times bitwidths from which on starting threads takes less time than it saves. Our choice: a tenth of a second's work. */
const worthThreads = 2 ** 25;

/**
 * Sigma, KL, SQNR and MSE of every quantizable layer's weights; needs no data and runs nothing.
 * @param onLayer is called as layers come, which may be in another order than the network's
 */
export async function analyzeWeights(
  prepared: PreparedModel,
  weights: CandidateWeights,
  bits: readonly Bits[],
  onProgress: OnProgress,
  signal?: AbortSignal,
  onLayer?: (layer: string, statistics: WeightStatistics) => void,
  threads: Compute = inPlace,
): Promise<Map<string, WeightStatistics>> {
  const sites = quantizableSites(prepared.discovery);
  const elements = sites.reduce((sum, { layer }) => sum + product(layer.weightShape), 0);
  const compute = elements * bits.length < worthThreads ? inPlace : threads;
  const found = new Map<string, WeightStatistics>();
  const analyze = async ({ layer }: LayerSite) => {
    const { name, weightShape: shape, channelAxis: axis, blockSize } = layer;
    onProgress({ stage: "Weights", done: found.size, total: sites.length, note: name });
    const weight = await weights.weight(name);
    const statistics = await compute.run("weightStatistics", {
      weight: compute.width > 1 ? sharedFloats(weight) : weight,
      ...{ shape, axis, bits },
      ...(blockSize !== undefined && { blockSize }),
    });
    found.set(name, statistics);
    onLayer?.(name, statistics);
  };
  // Each thread's layer is there twice: as it was read, and as threads share it.
  const largest = Math.max(1, ...sites.map(({ layer }) => 2 * layer.floatBytes));
  const affordable = Math.max(1, Math.floor(memoryFor("weights", prepared) / largest));
  await inParallel(sites, Math.min(compute.width, affordable), analyze, signal);
  onProgress({ stage: "Weights", done: sites.length, total: sites.length });
  // In the network's order, whatever was ready first.
  return new Map(sites.map(({ layer: { name } }) => [name, found.get(name) as WeightStatistics]));
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
  const held = affordableSamples(prepared, drawnCount(wanted), largestCutBytes(prepared, sites.map(firstUse)));
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

/** Says where sensitivities were measured on fewer samples than there are and were asked for. */
export function fewerSamples(table: SensitivityTable, asked: number, { samples }: Dataset): readonly string[] {
  const wanted = Math.min(asked, samples);
  if (table.samples >= wanted) return [];
  return [
    `Sensitivities are measured on ${table.samples} of ${wanted} samples: the memory that an analysis may take holds the activations of no more`,
  ];
}

function firstUse(site: LayerSite): number {
  return Math.min(...site.uses.map((use) => use.index));
}
