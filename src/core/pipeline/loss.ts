import type { Bits } from "../hardware/profile.ts";
import type { SensitivityTable, WeightStatistics } from "../sensitivity/types.ts";
import { normalizedKl } from "../sensitivity/weightStatistics.ts";

/** Harm of a layer at some bits, 0 = none; what allocation adds up. */
export type LossOf = (layer: string, bits: Bits) => number;

/** The estimate from the weights alone, by layer and bits: KL divergence normalized as in the paper's phase 2. */
export function weightLosses(
  statistics: ReadonlyMap<string, WeightStatistics>,
): Readonly<Record<string, Readonly<Partial<Record<Bits, number>>>>> {
  return Object.fromEntries(
    [...statistics].map(([layer, { errors }]) => [layer, Object.fromEntries(normalizedKl(errors))]),
  );
}

/**
 * Sensitivities as a function. Where a bitwidth was not looked at, the next narrower one's stands in: an upper bound, as
 * harm falls with bits.
 */
export function lossOf(byLayer: SensitivityTable["byLayer"]): LossOf {
  return (layer, bits) => {
    const row = byLayer[layer];
    if (row === undefined) return 0;
    for (let b = bits; b >= 2; b--) {
      const value = row[b as Bits];
      if (value !== undefined) return value;
    }
    return 0;
  };
}

/** Total over a plan; layers in float harm nothing. */
export function totalLoss(bits: ReadonlyMap<string, Bits | null>, loss: LossOf): number {
  let total = 0;
  for (const [layer, b] of bits) if (b !== null) total += loss(layer, b);
  return total;
}
