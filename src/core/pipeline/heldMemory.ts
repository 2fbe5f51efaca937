import { liveValues } from "../model/subgraph.ts";
import { product } from "../model/weightChain.ts";
import type { PreparedModel } from "./prepare.ts";

/** Bytes that the analysis of a model may take where nobody says: a quarter of a machine with 16 GiB. */
export const usualMemory = 2 ** 34 / 4;

/**
 * Shares of that memory that may be taken at a time, by what takes them; besides these there are the runtime's own buffers, which
 * are as large as the model and one run of it, and the copies that are under way. Our choice.
 */
const shares = Object.freeze({
  /** Activations and outputs that are kept from one run to the next. */
  held: 1 / 4,
  /** Activations fetched from one run. */
  fetched: 1 / 16,
  /** Moments of layers' inputs. */
  moments: 1 / 8,
  /** Moments that are being added up, in double precision. */
  sums: 1 / 8,
  /** Float weights kept for reuse. */
  weights: 1 / 8,
  /** Integers of layers at the bitwidths that were asked for. */
  integers: 1 / 4,
  /** Factors of Hessians kept for a layer's next bitwidth. */
  factors: 1 / 16,
});

/** Bytes of a share. */
export function memoryFor(share: keyof typeof shares, { memory }: Pick<PreparedModel, "memory">): number {
  return memory * shares[share];
}

const float32Bytes = 4;

/** Of `wanted` samples as many as may be kept at `bytesPerSample` each; at least one. */
export function affordableSamples(
  prepared: Pick<PreparedModel, "memory">,
  wanted: number,
  bytesPerSample: number,
): number {
  return Math.max(1, Math.min(wanted, Math.floor(memoryFor("held", prepared) / Math.max(bytesPerSample, 1))));
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
