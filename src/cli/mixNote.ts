import type { ActivationBits } from "../core/hardware/profile.ts";
import { unmeasurable } from "../core/pipeline/analysis.ts";
import type { Decided } from "../core/pipeline/decidePlan.ts";
import { valueBits } from "../core/pipeline/valueBits.ts";
import { overruns } from "../core/plan/verdict.ts";

/**
 * Says that a plan which exceeds its budgets would keep them with the fewest bits of activations that the device has: these can be chosen,
 * too. Nothing where that would not be enough. What accuracy is left then is not known before it is tried.
 */
export function mixNote({ fit, proposal }: Pick<Decided, "fit" | "proposal">): readonly string[] {
  const { prepared, profile, activationBits: own } = fit.input;
  const over = overruns(fit.budgets(proposal.bits));
  const fewest = Math.min(...profile.activationBits) as ActivationBits;
  const canMix = own === undefined && fit.activationBits !== null && unmeasurable(prepared) === undefined;
  if (over.length === 0 || !canMix || fewest >= (fit.activationBits ?? 0)) return [];
  const bits = valueBits(prepared, new Map(prepared.discovery.layers.map(({ name }) => [name, fewest])));
  const budgets = fit.withActivations(bits).budgets(proposal.bits);
  // Without a figure for these bits it is not known whether a budget is kept.
  const isKnown = over.every(({ name }) => budgets.find((budget) => budget.name === name)?.use !== undefined);
  if (!isKnown || overruns(budgets).length > 0) return [];
  return [`With activations of ${fewest} bits this plan would fit: --mix-activations chooses the bits of each`];
}
