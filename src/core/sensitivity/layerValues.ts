import { SigmaQuantError } from "../errors.ts";
import type { Bits } from "../hardware/profile.ts";
import type { LayerSite } from "../model/discover.ts";
import type { LayerInputs } from "../model/weightInputs.ts";
import type { Tensor } from "../ports.ts";
import type { Values } from "./floatCut.ts";

/** A layer's weight at some bitwidth, dequantized, with its bias as recovery left it. */
export interface LayerValues {
  readonly weight: Float32Array;
  readonly bias?: Float32Array;
}

/** Where the sweep gets its weights from: float, and quantized to b bits by whatever method the plan will use. */
export interface WeightSource {
  float(layer: string): Promise<LayerValues>;
  quantized(layer: string, bits: Bits): Promise<LayerValues>;
}

/** A layer's weight, and bias where it has one, as inputs of a model made by withWeightInputs. */
export function weightFeeds(site: LayerSite, inputs: LayerInputs, values: LayerValues): Values {
  const weight: Tensor = { type: "float32", dims: site.chain.shape, data: values.weight };
  if (inputs.bias === undefined) return { [inputs.weight]: weight };
  if (values.bias === undefined) {
    throw new SigmaQuantError("SQ9001", "missing-bias", `no bias for ${site.layer.name}`, {
      remedy: "Report this as a bug",
    });
  }
  return { [inputs.weight]: weight, [inputs.bias]: { type: "float32", dims: [values.bias.length], data: values.bias } };
}
