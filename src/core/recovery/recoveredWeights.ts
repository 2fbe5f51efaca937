import type { Bits } from "../hardware/profile.ts";
import type { LayerSite } from "../model/discover.ts";
import type { CandidateWeights } from "../pipeline/candidates.ts";
import type { QuantizedLayer } from "../qdq/types.ts";
import { channelView, rowLength } from "../quant/channelView.ts";
import { dequantize } from "../quant/quantizer.ts";
import type { LayerValues, WeightSource } from "../sensitivity/layerValues.ts";

/** Weight and bias as the written file will hold them. */
export function dequantizedLayer(
  { layer }: LayerSite,
  { bits, q, scales, bias, blockSize }: QuantizedLayer,
): LayerValues {
  const view = channelView(layer.weightShape, layer.channelAxis);
  const weight = dequantize({ bits, q, scales, view, blockSize: blockSize ?? Math.max(1, rowLength(view)) });
  return { weight, ...(bias && { bias }) };
}

/** Candidates with some layers, at the bits of one plan, replaced by what was found for that plan. */
export class RecoveredWeights implements WeightSource {
  constructor(
    private readonly candidates: CandidateWeights,
    private readonly sites: ReadonlyMap<string, LayerSite>,
    private readonly recovered: ReadonlyMap<string, QuantizedLayer>,
  ) {}

  float(layer: string): Promise<LayerValues> {
    return this.candidates.float(layer);
  }

  async quantizedLayer(layer: string, bits: Bits): Promise<QuantizedLayer> {
    const found = this.recovered.get(layer);
    return found?.bits === bits ? found : this.candidates.quantizedLayer(layer, bits);
  }

  async quantized(layer: string, bits: Bits): Promise<LayerValues> {
    const found = this.recovered.get(layer);
    const site = this.sites.get(layer);
    return found?.bits === bits && site ? dequantizedLayer(site, found) : this.candidates.quantized(layer, bits);
  }
}
