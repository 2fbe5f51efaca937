import type { Layer } from "../model/layer.ts";
import { bops, energyJoules, latencySeconds } from "./costCompute.ts";
import { weightBytes } from "./costMemory.ts";
import type { ActivationBits, Bits, HardwareProfile } from "./profile.ts";

/** What a layer or a plan costs: bytes, seconds, joules, bit operations. Absent = unknown on this device. */
export interface Cost {
  readonly weightMemory: number;
  readonly latency?: number;
  readonly energy?: number;
  readonly bops?: number;
}

/** A layer with the bits decided for it; null = float. */
export interface LayerBits {
  readonly layer: Layer;
  readonly weightBits: Bits | null;
  readonly activationBits: ActivationBits | null;
}

/** Every cost of one layer; the formulas are those of `weightMemory`, `latencySeconds`, `energyJoules` and `bops`. */
export function layerCost(
  layer: Layer,
  weightBits: Bits | null,
  activationBits: ActivationBits | null,
  profile: HardwareProfile,
): Cost {
  return cost(
    weightBytes(layer, weightBits, profile),
    latencySeconds(layer, weightBits, activationBits, profile),
    energyJoules(layer, weightBits, activationBits, profile),
    bops(layer, weightBits, activationBits),
  );
}

/** Costs of a whole plan: sums over its layers. A sum with an unknown term is unknown, since a part would look like the whole. */
export function planCost(layers: readonly LayerBits[], profile: HardwareProfile): Cost {
  return sumCosts(
    layers.map(({ layer, weightBits, activationBits }) => layerCost(layer, weightBits, activationBits, profile)),
  );
}

/** Sums of costs that are there already; see `planCost`. */
export function sumCosts(costs: readonly Cost[]): Cost {
  return cost(
    total(costs.map((each) => each.weightMemory)) ?? 0,
    total(costs.map((each) => each.latency)),
    total(costs.map((each) => each.energy)),
    total(costs.map((each) => each.bops)),
  );
}

function cost(weightMemory: number, latency?: number, energy?: number, bitOperations?: number): Cost {
  return {
    weightMemory,
    ...(latency === undefined ? {} : { latency }),
    ...(energy === undefined ? {} : { energy }),
    ...(bitOperations === undefined ? {} : { bops: bitOperations }),
  };
}

function total(values: readonly (number | undefined)[]): number | undefined {
  let sum = 0;
  for (const value of values) {
    if (value === undefined) return undefined;
    sum += value;
  }
  return sum;
}
