import { allBits } from "../core/hardware/bitPairs.ts";
import type { Bits, Resource } from "../core/hardware/profile.ts";
import { DeviceFit } from "../core/pipeline/deviceFit.ts";
import { formatAmount, formatBytes } from "../core/plan/format.ts";
import type { Accuracy, BudgetUse, Verdict } from "../core/plan/types.ts";
import type { Remedy } from "../protocol/editor.ts";
import type { Losses } from "./losses.ts";
import type { SessionState } from "./sessionState.ts";
import { inTime } from "./solveSoon.ts";

/** Solving again for each bitwidth is fast, but nobody waits for a remedy. */
const options = { maxGap: 1e-2, maxMillis: 16 };

/** Changes that make a plan feasible, the smallest first; each is tried before it is offered. */
export function remediesOf(
  state: SessionState,
  losses: Losses,
  verdict: Verdict,
  budgets: readonly BudgetUse[],
  accuracy: Accuracy | undefined,
): readonly Remedy[] {
  const { binding } = verdict;
  if (binding === undefined) return [];
  if (binding === "accuracy") return accuracy ? [acceptLoss(accuracy)] : [];
  const budget = budgets.find(({ name }) => name === binding);
  const remedies: Remedy[] = [];
  if (budget?.use !== undefined) {
    const word = binding === "weightMemory" || binding === "activationMemory" ? "Raise budget to" : "Raise limit to";
    const limit = roundedUp(binding, budget.use);
    remedies.push({
      label: `${word} ${formatAmount(budget.unit, limit)}`,
      action: { kind: "setBudget", resource: binding, limit },
    });
  }
  const allowed = binding === "activationMemory" ? undefined : moreBits(state, losses);
  return allowed ? [...remedies, allowed] : remedies;
}

/** A figure as a person would write it, not below `use`: memory in tenths of a KiB, the rest in three digits. */
export function roundedUp(resource: Resource, use: number): number {
  if (resource === "weightMemory" || resource === "activationMemory") return (Math.ceil((use / 1024) * 10) / 10) * 1024;
  const unit = 10 ** (Math.floor(Math.log10(Math.max(use, Number.MIN_VALUE))) - 2);
  return Math.ceil(use / unit) * unit;
}

/** The widest bitwidth that the device lacks and that makes a feasible plan. */
function moreBits(state: SessionState, losses: Losses): Remedy | undefined {
  const { fit, profile } = state;
  if (!fit || !profile) return undefined;
  const own = profile.profile.weightBits;
  for (const bits of allBits.toReversed().filter((b) => !own.includes(b))) {
    const widened = { ...profile.profile, weightBits: [...own, bits].sort((a, b) => a - b) as Bits[] };
    const wider = new DeviceFit({ ...fit.input, profile: widened });
    const solved = inTime(wider, losses.loss, options);
    if (!solved?.optimum) continue;
    return {
      label: `Allow ${bits} bits`,
      detail: `${bits} bits: ${formatBytes(wider.weightMemory(solved.bits))}`,
      action: { kind: "allowBits", bits },
    };
  }
  return undefined;
}

function acceptLoss({ float, quantized }: Accuracy): Remedy {
  const points = Math.ceil((float - quantized) * 1000) / 10;
  return { label: `Accept ${points.toFixed(1)} points`, action: { kind: "setMaxDrop", maxDrop: points / 100 } };
}
