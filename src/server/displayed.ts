import type { ActivationBits, Bits } from "../core/hardware/profile.ts";
import type { DeviceFit } from "../core/pipeline/deviceFit.ts";
import { expectedAccuracy, expectedDrop } from "../core/pipeline/expectedDrop.ts";
import { totalLoss } from "../core/pipeline/loss.ts";
import type { Accuracy, BudgetUse, Plan, PlanLayer, Verdict } from "../core/plan/types.ts";
import { verdictOf } from "../core/plan/verdict.ts";
import type { EditorSnapshot, Pareto, Remedy } from "../protocol/editor.ts";
import type { Losses } from "./losses.ts";
import { withoutStaleAccuracy } from "./planFigures.ts";
import { remediesOf } from "./remedies.ts";
import type { SessionState } from "./sessionState.ts";

/** The bits that the page shows, and what they cost and lose. */
export interface Displayed {
  /** Every layer; null = float. */
  readonly bits: ReadonlyMap<string, Bits | null>;
  readonly pinned: ReadonlySet<string>;
  /** Bits before a what-if or a change of the profile, where they differ. */
  readonly was: ReadonlyMap<string, Bits | null>;
  readonly rows: ReadonlyMap<string, PlanLayer>;
  readonly activationBits: ActivationBits | null;
  readonly budgets: readonly BudgetUse[];
  readonly accuracy?: Accuracy;
  readonly verdict: Verdict;
  readonly remedies: readonly Remedy[];
  readonly certificate?: NonNullable<EditorSnapshot["certificate"]>;
  readonly pareto?: Pareto;
  /** The plan file's bits are shown, as its budgets are those in force. */
  readonly fromPlan: boolean;
}

/**
 * Decides what is shown: the plan file's bits where they were made for these budgets, else what the solver allocates now.
 * Undefined without a profile, or before anything is known of the layers.
 */
export function displayedOf(
  state: SessionState,
  losses: Losses | undefined,
  maxDrop: number | undefined,
): Displayed | undefined {
  const { fit, live, profile } = state;
  if (!fit || !live || !losses || !profile) return undefined;
  const current = plannedBits(state);
  const fromPlan = current !== undefined;
  const bits = current ?? live.bits;
  const loss = totalLoss(bits, losses.loss);
  const rows = new Map(fit.rows(bits, state.statistics, losses.byLayer).map((row) => [row.name, row]));
  const accuracy = accuracyOf(withoutStaleAccuracy(state, rows), fit, bits, loss);
  const budgets = fit.budgets(bits);
  const { smallest } = live;
  const verdict = verdictOf({
    budgets,
    ...(accuracy && { accuracy }),
    ...(maxDrop !== undefined && !accuracy?.synthetic && { maxDrop }),
    ...(smallest && { smallest }),
    allowedBits: profile.profile.weightBits,
  });
  const certificate = live.optimum && {
    loss,
    optimum: live.optimum.loss,
    bound: live.optimum.bound,
    gap: live.optimum.gap,
  };
  const pareto = paretoOf(state, fit.weightMemory(bits), loss, accuracy);
  return {
    bits,
    pinned: pinsOf(state.plan?.plan),
    was: fromPlan ? new Map() : changes((state.plan && planBits(state.plan.plan)) ?? decidedBits(state), bits),
    rows,
    activationBits: fit.activationBits,
    budgets,
    ...(accuracy && { accuracy }),
    verdict,
    remedies: verdict.verdict === "feasible" ? [] : remediesOf(state, losses, verdict, budgets, accuracy),
    ...(certificate && { certificate }),
    ...(pareto && { pareto }),
    fromPlan,
  };
}

export function planBits(plan: Plan): ReadonlyMap<string, Bits | null> {
  return new Map(plan.layers.map((layer) => [layer.name, layer.weightBits]));
}

export function pinsOf(plan: Plan | undefined): ReadonlySet<string> {
  return new Set(plan?.layers.filter((layer) => layer.pinned).map((layer) => layer.name));
}

/** The plan was made for this profile and these limits, and no limit is being tried. */
export function isCurrent({ plan, profile, whatIf }: SessionState): boolean {
  if (!plan || !profile || whatIf.size > 0) return false;
  const { budgets, profile: ref } = plan.plan;
  return ref === profile.ref && budgets.every(({ name, limit }) => limit === profile.limits[name]);
}

/**
 * Bits of the plan file where it is in force, undefined where it is not. Layers that it does not name stay in float; layers that it names
 * and the model lacks are left out.
 */
export function plannedBits(state: SessionState): ReadonlyMap<string, Bits | null> | undefined {
  if (!state.plan || !isCurrent(state)) return undefined;
  const bits = planBits(state.plan.plan);
  return new Map(state.layers.map(({ name }) => [name, bits.get(name) ?? null]));
}

function decidedBits(state: SessionState): ReadonlyMap<string, Bits | null> | undefined {
  return state.whatIf.size > 0 && state.decided ? planBits(state.decided.result.plan) : undefined;
}

function changes(
  before: ReadonlyMap<string, Bits | null> | undefined,
  now: ReadonlyMap<string, Bits | null>,
): Map<string, Bits | null> {
  if (before === undefined) return new Map();
  return new Map([...before].filter(([name, bits]) => now.has(name) && now.get(name) !== bits));
}

/** Measured or simulated where these very bits were run, else expected from the sensitivities. */
export function accuracyOf(
  state: SessionState,
  fit: DeviceFit,
  bits: ReadonlyMap<string, Bits | null>,
  loss: number,
): Accuracy | undefined {
  const ran = [state.decided?.result.plan, state.plan?.plan].filter((plan) => plan !== undefined);
  for (const plan of ran.toSorted((a, b) => rank(b.accuracy) - rank(a.accuracy))) {
    const same = plan.modelHash === state.modelHash && changes(planBits(plan), bits).size === 0;
    if (same && plan.accuracy && hasActivations(plan, fit)) return plan.accuracy;
  }
  const { baselines = [], plan } = state.decided?.result ?? {};
  return expectedAccuracy(baselines, plan ? [plan] : [], loss);
}

/** The plan's activations have the bits that they get now. */
function hasActivations({ layers }: Plan, fit: DeviceFit): boolean {
  return layers.every(({ name, activationBits: bits }) => bits === null || bits === fit.activationBitsOf(name));
}

function rank(accuracy: Accuracy | undefined): number {
  return accuracy === undefined ? 0 : accuracy.how === "measured" ? 2 : 1;
}

function paretoOf(
  state: SessionState,
  weightMemory: number,
  loss: number,
  accuracy: Accuracy | undefined,
): Pareto | undefined {
  if (state.front.length === 0) return undefined;
  const baselines = state.decided?.result.baselines ?? [];
  const expect = expectedDrop(baselines, state.decided ? [state.decided.result.plan] : []);
  const drop = accuracy && (accuracy.metric === "nmse" ? accuracy.quantized : accuracy.float - accuracy.quantized);
  return {
    points: state.front.map((point) => ({
      weightMemory: point.weightMemory,
      loss: point.loss,
      ...(expect && { drop: expect(point.loss) }),
    })),
    chosen: { weightMemory, loss, ...(drop !== undefined && { drop }) },
    baselines,
  };
}
