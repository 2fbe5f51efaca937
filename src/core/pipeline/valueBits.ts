import type { ActivationBits } from "../hardware/profile.ts";
import { inputsOfLayers, type PreparedModel } from "./prepare.ts";

/**
 * Bits of the activations that quantized layers read, from those that the layers compute in. A layer computes in the widest of
 * what it reads, so an activation has the fewest bits of all layers that read it.
 * @param byLayer layers that are not named say nothing of what they read
 */
export function valueBits(
  prepared: PreparedModel,
  byLayer: ReadonlyMap<string, ActivationBits>,
): ReadonlyMap<string, ActivationBits> {
  const found = new Map<string, ActivationBits>();
  for (const [layer, values] of inputsOfLayers(prepared)) {
    const bits = byLayer.get(layer);
    if (bits === undefined) continue;
    for (const value of values) {
      const other = found.get(value);
      if (other === undefined || bits < other) found.set(value, bits);
    }
  }
  return found;
}
