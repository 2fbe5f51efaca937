import { allBits } from "../core/hardware/bitPairs.ts";
import { capacitiesOf } from "../core/hardware/budgets.ts";
import type { Bits, Resource } from "../core/hardware/profile.ts";
import { DeviceFit } from "../core/pipeline/deviceFit.ts";
import { formatAmount, formatBytes, resourceName } from "../core/plan/format.ts";
import type { Accuracy, BudgetUse, Verdict } from "../core/plan/types.ts";
import { overruns } from "../core/plan/verdict.ts";
import type { Remedy } from "../protocol/editor.ts";
import { listed } from "./language/words.ts";
import type { Losses } from "./losses.ts";
import { profileDigits } from "./profileEdits.ts";
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
  if (verdict.binding === undefined) return [];
  if (verdict.binding === "accuracy") return accuracy ? [acceptLoss(accuracy)] : [];
  return [raise(state, losses, budgets), moreBits(state, losses)].flatMap((remedy) => remedy ?? []);
}

/** The one budget that is enough to raise, worst excess first, else all that are exceeded; never beyond what the device has. */
function raise(state: SessionState, losses: Losses, budgets: readonly BudgetUse[]): Remedy | undefined {
  const { fit, profile } = state;
  if (!fit || !profile) return undefined;
  const capacities = capacitiesOf(profile.profile);
  const raised = overruns(budgets).map(({ name, unit, use }) => ({ name, unit, limit: roundedUp(name, use) }));
  const possible = raised.filter(({ name, limit }) => limit <= (capacities[name] ?? Number.POSITIVE_INFINITY));
  const isEnough = ({ name, limit }: (typeof raised)[number]) =>
    raised.length === 1 || fits(fit.withLimits({ ...fit.input.limits, [name]: limit }), losses) !== undefined;
  const one = possible.find(isEnough);
  if (one) {
    // With several exceeded it is told which.
    const what = raised.length > 1 ? resourceName(one.name) : one.unit === "B" ? "budget" : "limit";
    return {
      label: `Raise ${what} to ${formatAmount(one.unit, one.limit)}`,
      action: { kind: "setBudgets", limits: { [one.name]: one.limit } },
    };
  }
  // The bits shown keep them all then.
  if (possible.length < raised.length) return undefined;
  const parts = raised.map(({ name, unit, limit }) => `${resourceName(name)} to ${formatAmount(unit, limit)}`);
  return {
    label: `Raise ${listed(parts)}`,
    action: { kind: "setBudgets", limits: Object.fromEntries(raised.map(({ name, limit }) => [name, limit])) },
  };
}

/** Bits that keep every limit, activations' too, which the solver knows nothing of. */
function fits(fit: DeviceFit, losses: Losses): ReadonlyMap<string, Bits | null> | undefined {
  const solved = inTime(fit, losses.loss, options);
  return solved?.optimum && overruns(fit.budgets(solved.bits)).length === 0 ? solved.bits : undefined;
}

/** A figure as a person would write it, not below `use`: memory in tenths of a KiB, the rest in three digits. */
export function roundedUp(resource: Resource, use: number): number {
  if (resource !== "weightMemory" && resource !== "activationMemory") {
    const unit = 10 ** (magnitude(use) - 2);
    return Math.ceil(use / unit) * unit;
  }
  const kib = use / 1024;
  // A profile takes no more digits: a tenth that it rounds off would be missing.
  const perKib = 10 ** Math.min(1, profileDigits - 1 - magnitude(kib));
  return (Math.ceil(kib * perKib) / perKib) * 1024;
}

/** 2 for 100 to 999. */
function magnitude(value: number): number {
  return Math.floor(Math.log10(Math.max(value, Number.MIN_VALUE)));
}

/** The widest bitwidth that the device lacks and that makes a feasible plan. */
function moreBits(state: SessionState, losses: Losses): Remedy | undefined {
  const { fit, profile } = state;
  if (!fit || !profile) return undefined;
  const own = profile.profile.weightBits;
  for (const bits of allBits.toReversed().filter((b) => !own.includes(b))) {
    const widened = { ...profile.profile, weightBits: [...own, bits].sort((a, b) => a - b) as Bits[] };
    const wider = new DeviceFit({ ...fit.input, profile: widened });
    const found = fits(wider, losses);
    if (!found) continue;
    return {
      label: `Allow ${bits} bits`,
      detail: `${bits} bits: ${formatBytes(wider.weightMemory(found))}`,
      action: { kind: "allowBits", bits },
    };
  }
  return undefined;
}

function acceptLoss({ float, quantized }: Accuracy): Remedy {
  const points = Math.ceil((float - quantized) * 1000) / 10;
  return { label: `Accept ${points.toFixed(1)} points`, action: { kind: "setMaxDrop", maxDrop: points / 100 } };
}
