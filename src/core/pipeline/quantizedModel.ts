import type { Bits } from "../hardware/profile.ts";
import { quantizedActivations } from "../model/activations.ts";
import { quantizableSites } from "../model/discover.ts";
import type { OnProgress } from "../ports.ts";
import { type QuantizedGraph, quantizeGraph } from "../qdq/quantizeGraph.ts";
import type { ActivationQuantization, QuantizedLayer } from "../qdq/types.ts";
import type { CandidateWeights } from "./candidates.ts";
import type { PreparedModel } from "./prepare.ts";

/**
 * The quantized model of a plan, in memory but for what is copied from the original file when it is written.
 * @param bits by layer name; null or absent = float
 * Weights of 3, 5, 6 and 7 bits, which have no ONNX type, are stored in the next wider one, which every tool reads; unless the file
 * would then hold more than the device's budget: those of 3, 5 and 6 bits are packed there.
 * @param activations by value name; those that only layers in float read are left out
 * @param weightMemory the budget, bytes; undefined = none
 */
export async function quantizedModel(
  prepared: PreparedModel,
  weights: Pick<CandidateWeights, "quantizedLayer">,
  bits: ReadonlyMap<string, Bits | null>,
  activations: ReadonlyMap<string, ActivationQuantization>,
  weightMemory: number | undefined,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<QuantizedGraph> {
  const layers = new Map<string, QuantizedLayer>();
  const wanted = [...bits].flatMap(([name, b]) => (b === null ? [] : [[name, b] as const]));
  for (const [name, b] of wanted) {
    signal?.throwIfAborted();
    onProgress({ stage: "Quantizing", done: layers.size, total: wanted.length, note: name });
    layers.set(name, await weights.quantizedLayer(name, b));
  }
  const sites = quantizableSites(prepared.discovery).filter(({ layer }) => layers.has(layer.name));
  const names = new Set(quantizedActivations(prepared.model.graph, sites, prepared.types));
  const half = new Set([...names].filter((name) => prepared.types.get(name) === "float16"));
  const kept = new Map([...activations].filter(([name]) => names.has(name)));
  const write = (pack: boolean) =>
    quantizeGraph(prepared.model, prepared.discovery, layers, kept, {
      halfActivations: half,
      shapes: prepared.shapes,
      pack,
    });
  const plain = write(false);
  return weightMemory !== undefined && storedBytes(prepared, plain) > weightMemory ? write(true) : plain;
}

/** Bytes that the file holds for weights, scales and biases, layers in float included. */
function storedBytes({ discovery }: PreparedModel, { stored }: QuantizedGraph): number {
  const quantized = new Map(stored.map((weight) => [weight.layer, weight.bytes]));
  return discovery.layers.reduce((sum, layer) => {
    const bytes = quantized.get(layer.name) ?? layer.floatBytes;
    return sum + bytes + layer.biasParams * biasBytes;
  }, discovery.otherConstantBytes);
}

/** int32 and float32 alike. */
const biasBytes = 4;
