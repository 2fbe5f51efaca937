import type { Dataset } from "../data/dataset.ts";
import type { ActivationBits } from "../hardware/profile.ts";
import { quantizableSites, type WeightUse } from "../model/discover.ts";
import { extract } from "../model/subgraph.ts";
import { product } from "../model/weightChain.ts";
import { modelBytes } from "../onnx/write.ts";
import type { Inference, InferenceSession, OnProgress, Tensor } from "../ports.ts";
import type { ActivationQuantization } from "../qdq/types.ts";
import { ActivationObserver, type ActivationRange } from "../quant/activation.ts";
import { elementTypeOf } from "./elementTypes.ts";
import { memoryFor } from "./heldMemory.ts";
import { activationNames, type PreparedModel } from "./prepare.ts";

export interface Calibration {
  /** Statistics of every quantized activation, by value name. */
  readonly observers: ReadonlyMap<string, ActivationObserver>;
  readonly samples: number;
  readonly synthetic: boolean;
}

/** A consumer of layers' activation inputs while the float model runs over the calibration set (Hessians, means). */
export interface InputObserver {
  /** Layers it wants the inputs of. */
  readonly layers: ReadonlySet<string>;
  add(layer: string, input: Tensor, use: WeightUse): Promise<void>;
}

/**
 * Runs the float model over the calibration set once and gathers the statistics of its activations, streaming: memory
 * does not grow with the number of samples.
 */
export async function calibrate(
  prepared: PreparedModel,
  dataset: Dataset,
  inference: Inference,
  options: {
    readonly samples: number;
    readonly batch: number;
    readonly threads?: number;
    /** Activations to gather statistics of; all that are quantized without it. */
    readonly names?: readonly string[];
    readonly inputs?: readonly InputObserver[];
  },
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<Calibration> {
  const names = options.names ?? activationNames(prepared);
  const observers = new Map(names.map((name) => [name, new ActivationObserver()]));
  const readers = readersOf(prepared, options.inputs ?? []);
  const taps = new Set([...names, ...readers.keys()]);
  const { graph } = prepared.model;
  const constants = new Set(graph.initializer.map((t) => t.name));
  const inputs = graph.input.map((v) => v.name).filter((name) => !constants.has(name));
  const fetched = [...taps].filter((name) => !inputs.includes(name));
  const total = Math.min(options.samples, dataset.samples);
  if (taps.size === 0) return { observers, samples: 0, synthetic: dataset.synthetic };
  // The runtime refuses a graph without nodes, which is what is left where only inputs are looked at.
  const session =
    fetched.length > 0 ? await openUpTo(prepared, inputs, fetched, inference, options, signal) : undefined;
  try {
    const batch = Math.min(options.batch, samplesAtOnce(prepared, fetched));
    let done = 0;
    while (done < total) {
      signal?.throwIfAborted();
      onProgress({ stage: "Calibrating", done, total });
      const { feeds, samples } = await dataset.batch(done, Math.min(batch, total - done), signal);
      const values = { ...feeds, ...(await session?.run(feeds)) };
      for (const name of taps) {
        const tensor = values[name];
        if (tensor === undefined) continue;
        if (tensor.data instanceof Float32Array) observers.get(name)?.add(tensor.data);
        for (const { layer, observer, use } of readers.get(name) ?? []) await observer.add(layer, tensor, use);
      }
      done += samples;
    }
    onProgress({ stage: "Calibrating", done: total, total });
    return { observers, samples: total, synthetic: dataset.synthetic };
  } finally {
    await session?.close();
  }
}

async function openUpTo(
  prepared: PreparedModel,
  inputs: readonly string[],
  outputs: readonly string[],
  inference: Inference,
  { threads }: { readonly threads?: number },
  signal?: AbortSignal,
): Promise<InferenceSession> {
  const part = extract(prepared.model, inputs, outputs, elementTypeOf(prepared.types));
  const options = { optimization: "all" as const, ...(threads !== undefined && { threads }) };
  return inference.open(await modelBytes(part, signal), options);
}

/** Scales and zero points of the observed activations. */
export function activationQuantizations(
  calibration: Calibration,
  names: readonly string[],
  bits: ActivationBits,
  range: ActivationRange,
): Map<string, ActivationQuantization> {
  const result = new Map<string, ActivationQuantization>();
  for (const name of names) {
    const observer = calibration.observers.get(name);
    if (observer === undefined || observer.count === 0) continue;
    const { scale, zeroPoint } = observer.quantization(range, bits);
    result.set(name, { scale, zeroPoint, bits });
  }
  return result;
}

interface Reader {
  readonly layer: string;
  readonly observer: InputObserver;
  readonly use: WeightUse;
}

function readersOf(prepared: PreparedModel, observers: readonly InputObserver[]): Map<string, Reader[]> {
  const readers = new Map<string, Reader[]>();
  for (const site of quantizableSites(prepared.discovery)) {
    for (const observer of observers) {
      if (!observer.layers.has(site.layer.name)) continue;
      for (const use of site.uses) {
        const name = use.node.input[use.slot === 0 ? 1 : 0] ?? "";
        const list = readers.get(name) ?? [];
        list.push({ layer: site.layer.name, observer, use });
        readers.set(name, list);
      }
    }
  }
  return readers;
}

/** More samples than may be fetched go in more runs. */
function samplesAtOnce(prepared: PreparedModel, names: readonly string[]): number {
  let bytes = 0;
  for (const name of names) bytes += 4 * product(prepared.shapes.get(name) ?? []);
  return Math.max(1, Math.floor(memoryFor("fetched", prepared) / Math.max(bytes, 1)));
}
