import { liveValues } from "../model/subgraph.ts";
import { product } from "../model/weightChain.ts";
import type { PreparedModel } from "./prepare.ts";

/** Activations and outputs that are kept from one run to the next take at most this much memory. Our choice. */
export const maxHeldBytes = 2 ** 30;

const float32Bytes = 4;

/** Of `wanted` samples as many as may be kept at `bytesPerSample` each; at least one. */
export function affordableSamples(wanted: number, bytesPerSample: number): number {
  return Math.max(1, Math.min(wanted, Math.floor(maxHeldBytes / Math.max(bytesPerSample, 1))));
}

/** Bytes of the graph's outputs for one sample at the assumed dimensions; unknown shapes count as nothing. */
export function outputBytes({ model, shapes }: PreparedModel): number {
  return bytesOf(
    model.graph.output.map((v) => v.name),
    shapes,
  );
}

/** The largest sum of values alive at any of these places in the execution order, bytes for one sample. */
export function largestCutBytes({ model, shapes }: PreparedModel, cuts: readonly number[]): number {
  let most = 0;
  for (const cut of cuts) most = Math.max(most, bytesOf(liveValues(model.graph, cut), shapes));
  return most;
}

function bytesOf(names: readonly string[], shapes: PreparedModel["shapes"]): number {
  return names.reduce((sum, name) => {
    const shape = shapes.get(name);
    return sum + (shape ? product(shape) * float32Bytes : 0);
  }, 0);
}
