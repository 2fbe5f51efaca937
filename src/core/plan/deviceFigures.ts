import type { Bits } from "../hardware/profile.ts";
import { averageBits } from "./summary.ts";
import type { Accuracy, BudgetUse, Plan, Verdict } from "./types.ts";

/** What a comparison of devices shows of one model on one of them: a plan without its layers' figures. Plain data. */
export interface DeviceFigures {
  readonly verdict: Verdict;
  /** Weight bits of every layer, in the network's order; null = float. */
  readonly bits: readonly (Bits | null)[];
  /** Mean over the weights of the quantized layers; 0 when all stay in float. */
  readonly averageBits: number;
  readonly budgets: readonly BudgetUse[];
  readonly accuracy?: Accuracy;
  /** Sum of the sensitivities, in the metric of the model. */
  readonly loss?: number;
}

/** The figures of a plan that was decided. */
export function figuresOfPlan({ verdict, layers, budgets, accuracy, certificate }: Plan): DeviceFigures {
  return {
    verdict,
    bits: layers.map(({ weightBits }) => weightBits),
    averageBits: averageBits(layers),
    budgets,
    ...(accuracy && { accuracy }),
    ...(certificate && { loss: certificate.loss }),
  };
}

/** How many layers have each bitwidth; null = float. Bitwidths that no layer has are not in it. */
export function layersByBits(bits: DeviceFigures["bits"]): ReadonlyMap<Bits | null, number> {
  const counts = new Map<Bits | null, number>();
  for (const own of bits) counts.set(own, (counts.get(own) ?? 0) + 1);
  return counts;
}
