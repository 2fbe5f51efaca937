import { uniformBits } from "../allocate/uniform.ts";
import type { Baseline } from "../plan/types.ts";
import type { DeviceFit } from "./deviceFit.ts";

/**
 * Uniform baselines of one device whose accuracy holds on another, too: those that give every layer of the model the same bits there,
 * with activations as wide. What they cost is another thing on each device; `uniformBaselines` works that out anew.
 */
export function sharedBaselines(from: DeviceFit, baselines: readonly Baseline[], to: DeviceFit): readonly Baseline[] {
  if (from.activationBits !== to.activationBits) return [];
  return baselines.filter(({ bits }) => {
    const [here, there] = [uniformBits(from.table, bits), uniformBits(to.table, bits)];
    return here.size === there.size && [...here].every(([layer, own]) => there.get(layer) === own);
  });
}
