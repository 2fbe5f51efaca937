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
 * @param activations by value name; those that only layers in float read are left out
 */
export async function quantizedModel(
  prepared: PreparedModel,
  weights: CandidateWeights,
  bits: ReadonlyMap<string, Bits | null>,
  activations: ReadonlyMap<string, ActivationQuantization>,
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
  return quantizeGraph(
    prepared.model,
    prepared.discovery,
    layers,
    new Map([...activations].filter(([name]) => names.has(name))),
    { halfActivations: half, shapes: prepared.shapes },
  );
}
