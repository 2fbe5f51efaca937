import type { Bits } from "../core/hardware/profile.ts";
import type { LayerSite } from "../core/model/discover.ts";
import { readWeight } from "../core/model/readWeight.ts";
import type { TensorStore } from "../core/onnx/tensors.ts";
import { channelView } from "../core/quant/channelView.ts";
import { highestInt, lowestInt } from "../core/quant/integerGrid.ts";
import { weightScales } from "../core/quant/quantizer.ts";
import type { WeightHistogram } from "../protocol/editor.ts";

/** An odd number, so that one bin is around zero. Our choice: bars of some 14 px in the page. */
const bins = 61;

/** A layer's weights in bins over a range that is symmetric around zero, with the quantization levels of its median channel. */
export async function histogramOf(
  tensors: TensorStore,
  site: LayerSite,
  bits: readonly Bits[],
  signal?: AbortSignal,
): Promise<WeightHistogram> {
  const { layer } = site;
  const weights = await readWeight(tensors, site.chain, signal);
  let reach = 0;
  let sum = 0;
  let squares = 0;
  for (const w of weights) {
    reach = Math.max(reach, Math.abs(w));
    sum += w;
    squares += w * w;
  }
  const counts = new Array<number>(bins).fill(0);
  const width = (2 * reach) / bins || 1;
  for (const w of weights) {
    const bin = Math.min(bins - 1, Math.floor((w + reach) / width));
    counts[bin] = (counts[bin] as number) + 1;
  }
  const mean = sum / Math.max(1, weights.length);
  const view = channelView(layer.weightShape, layer.channelAxis);
  const levels: Partial<Record<Bits, readonly number[]>> = {};
  const clipped: Partial<Record<Bits, number>> = {};
  for (const b of bits) {
    const scales = weightScales(weights, view, b);
    const scale = scales.toSorted()[scales.length >> 1] ?? 0;
    const steps = Array.from({ length: highestInt(b) - lowestInt(b) + 1 }, (_, i) => (lowestInt(b) + i) * scale);
    levels[b] = steps;
    clipped[b] = clippedShare(weights, view, scales, b);
  }
  return {
    layer: layer.name,
    min: -reach,
    max: reach,
    counts,
    sigma: Math.sqrt(Math.max(0, squares / Math.max(1, weights.length) - mean * mean)),
    channels: view.channels,
    levels,
    clipped,
  };
}

/** Share of the weights that lie more than half a step outside their channel's levels. */
function clippedShare(
  weights: Float32Array,
  { outer, channels, inner }: ReturnType<typeof channelView>,
  scales: Float32Array,
  bits: Bits,
): number {
  let count = 0;
  for (let o = 0; o < outer; o++) {
    for (let c = 0; c < channels; c++) {
      const scale = scales[c] as number;
      const low = (lowestInt(bits) - 0.5) * scale;
      const high = (highestInt(bits) + 0.5) * scale;
      const from = (o * channels + c) * inner;
      for (let i = from; i < from + inner; i++) {
        const w = weights[i] as number;
        if (w < low || w > high) count++;
      }
    }
  }
  return weights.length > 0 ? count / weights.length : 0;
}
