import { CostTable } from "../../../src/core/allocate/costTable.ts";
import type { TwoPhaseInput } from "../../../src/core/allocate/twoPhaseRun.ts";
import { uniformBits } from "../../../src/core/allocate/uniform.ts";
import { random } from "../../../src/core/data/random.ts";
import type { Bits, Budgets, HardwareProfile } from "../../../src/core/hardware/profile.ts";
import type { Layer } from "../../../src/core/model/layer.ts";
import { conv, device } from "../hardware/support.ts";

/** A device whose every cost is known, and falls with the bits. */
export function figures(weightBits: readonly Bits[]): HardwareProfile {
  const pairs = (figure: (bits: number) => number) =>
    Object.fromEntries([2, 3, 4, 5, 6, 7, 8].map((bits) => [`${bits}x8`, figure(bits)]));
  return device({
    weightBits,
    compute: {
      clockMHz: 100,
      macsPerCycle: pairs((bits) => (bits <= 2 ? 32 : bits <= 4 ? 16 : 8)),
      bandwidthMBps: 200,
    },
    energy: { energyPerMacPj: pairs((bits) => 0.1 + 0.05 * bits), energyPerBytePj: 2 },
  });
}

/** A network of made-up layers: sizes, MACs and sensitivities spread over decades, as in real ones. */
export interface Network {
  readonly layers: readonly Layer[];
  readonly sigma: (layer: string) => number;
  readonly sensitivity: (layer: string, bits: Bits) => number;
}

export function network(count: number, ...seeds: readonly number[]): Network {
  const draw = random(count, ...seeds);
  const rows = Array.from({ length: count }, (_, i) => {
    const params = 16 * Math.ceil(Math.exp(4 + 1.5 * draw.gaussian()));
    const pixels = 2 ** draw.below(7);
    const harm = 0.002 * Math.exp(1.5 * draw.gaussian());
    return {
      layer: conv({
        name: `layer${i}`,
        params,
        macs: params * pixels,
        inputElements: 16 * pixels,
        outputElements: 16 * pixels,
        floatBytes: 4 * params,
      }),
      sigma: 0.05 * Math.exp(0.5 * draw.gaussian()),
      // Error energy falls by about 4 for every bit.
      harm: [2, 3, 4, 5, 6, 7, 8].map((bits) => harm * 4 ** (2 - bits) * Math.exp(0.3 * draw.gaussian())),
    };
  });
  const byName = new Map(rows.map((row) => [row.layer.name, row]));
  return {
    layers: rows.map((row) => row.layer),
    sigma: (layer) => byName.get(layer)?.sigma ?? 0,
    sensitivity: (layer, bits) => byName.get(layer)?.harm[bits - 2] ?? 0,
  };
}

/** What limits a network to: this share of the way from the narrowest bits' cost to that of 8 bits. */
export function budgets(
  layers: readonly Layer[],
  profile: HardwareProfile,
  shares: Readonly<Partial<Record<"weightMemory" | "latency" | "energy" | "bops", number>>>,
): Budgets {
  const free = new CostTable({ layers, profile, limits: {}, activationBits: 8 });
  const least = free.costOf(uniformBits(free, 2));
  const most = free.costOf(uniformBits(free, 8));
  const limits: Record<string, number> = {};
  for (const [name, share] of Object.entries(shares)) {
    const key = name as keyof typeof shares;
    const [low, high] = [least[key] as number, most[key] as number];
    limits[key] = low + share * (high - low);
  }
  return limits;
}

/**
 * Stands for running the model: harm adds up, neighbouring layers amplify each other's, and accuracy is lost slowly at
 * first. Grows with every layer's sensitivity.
 */
export function evaluator({ layers, sensitivity }: Network, interaction = 0.2): TwoPhaseInput["evaluate"] {
  return async (bits) => {
    const harms = layers.map(({ name }) => (bits.has(name) ? sensitivity(name, bits.get(name) as Bits) : 0));
    let sum = 0;
    for (const [i, harm] of harms.entries()) sum += harm + interaction * Math.sqrt(harm * (harms[i + 1] ?? 0));
    return { drop: 1 - Math.exp(-sum) };
  };
}
