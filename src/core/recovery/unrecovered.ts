import type { Bits } from "../hardware/profile.ts";
import { CandidateWeights, roundToNearest } from "../pipeline/candidates.ts";
import type { PreparedModel } from "../pipeline/prepare.ts";
import type { LayerValues, WeightSource } from "../sensitivity/layerValues.ts";

/**
 * The weights as the file has them, rounded to the nearest: what uniform bitwidths are without any recovery. Where channels were
 * equalized, the rounded weights of the file are scaled as the float ones were, which in the equalized network is the same
 * function as they are in the file's.
 */
export function unrecoveredWeights(prepared: PreparedModel, signal?: AbortSignal): WeightSource {
  const { unequalized } = prepared;
  const own = new CandidateWeights(prepared, roundToNearest, signal);
  if (unequalized === undefined) return own;
  const original = new CandidateWeights({ ...prepared, ...unequalized }, roundToNearest, signal);
  return {
    float: (layer) => own.float(layer),
    quantized: (layer, bits) => rescaled(own, original, layer, bits),
  };
}

async function rescaled(
  equalized: CandidateWeights,
  original: CandidateWeights,
  layer: string,
  bits: Bits,
): Promise<LayerValues> {
  const [rounded, before, after] = await Promise.all([
    original.quantized(layer, bits),
    original.weight(layer),
    equalized.float(layer),
  ]);
  const weight = rounded.weight.map((value, i) => {
    const float = before[i] as number;
    // A weight of zero is rounded to zero, by any factor.
    return float === 0 ? 0 : (value * (after.weight[i] as number)) / float;
  });
  return { ...after, weight };
}
