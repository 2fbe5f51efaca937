import { SigmaQuantError } from "../../core/errors.ts";
import type { Bits, Resource } from "../../core/hardware/profile.ts";
import type { DeviceFit } from "../../core/pipeline/deviceFit.ts";
import { expectedDrop } from "../../core/pipeline/expectedDrop.ts";
import { totalLoss } from "../../core/pipeline/loss.ts";
import type { SolvedBits } from "../../core/pipeline/solveBits.ts";
import { averageBits } from "../../core/plan/summary.ts";
import type { Accuracy, BudgetUse, PlanLayer, Verdict } from "../../core/plan/types.ts";
import { verdictOf } from "../../core/plan/verdict.ts";
import { accuracyOf, isCurrent, planBits } from "../displayed.ts";
import { activationBitsInForce, fitWith, maxDropInForce, pinsInForce } from "../inForce.ts";
import type { Losses } from "../losses.ts";
import { withoutStaleAccuracy } from "../planFigures.ts";
import type { ActiveProfile, SessionState } from "../sessionState.ts";
import { solveSoon } from "../solveSoon.ts";
import { cachedFit } from "./fitCache.ts";
import type { KnownModel } from "./knownModel.ts";

/** A model on a device: what any choice of bits costs there, and which would be best. */
export interface ModelOnDevice {
  readonly known: KnownModel;
  readonly device: ActiveProfile;
  readonly fit: DeviceFit;
  /** Undefined while nothing is known of the layers' harm; what fits can be told all the same. */
  readonly losses: Losses | undefined;
  readonly maxDrop: number | undefined;
  /** Loss of accuracy (a fraction) expected of a plan by its total harm; undefined where nothing was run that it could be told from. */
  readonly expectDrop: ((loss: number) => number) | undefined;
  /** The session's state with this device in it. */
  readonly state: SessionState;
  /** The best bits around the pins; computed when first asked for. */
  readonly live: () => SolvedBits;
  /** The same with other pins, for what an edit would take back. @throws SigmaQuantError for pins that can't be */
  readonly liveWith: (pins: ReadonlyMap<string, Bits | null>) => SolvedBits;
  /** A pin that the device does not allow, so that none is in force. */
  readonly problem?: SigmaQuantError;
}

/** Some choice of bits, judged. */
export interface Assessment {
  /** Every layer; null = float. */
  readonly bits: ReadonlyMap<string, Bits | null>;
  readonly rows: ReadonlyMap<string, PlanLayer>;
  readonly budgets: readonly BudgetUse[];
  readonly verdict: Verdict;
  readonly accuracy?: Accuracy;
  readonly averageBits: number;
  /** Sum of the layers' harm. */
  readonly loss?: number;
}

/** Lays a model on a device. @throws SigmaQuantError where no bits suit layers that share them (SQ5204) */
export function onDevice(known: KnownModel, device: ActiveProfile): ModelOnDevice {
  const state = stateOn(known.state, device);
  const { prepared } = known;
  const { decided } = state;
  let fit: DeviceFit;
  let problem: SigmaQuantError | undefined;
  const pins = pinsInForce(state);
  try {
    const given = [pins, activationBitsInForce(state, device.profile)];
    fit = cachedFit(prepared, device.profile, given, () => fitWith(state, prepared, device.profile, pins));
  } catch (error) {
    if (!(error instanceof SigmaQuantError)) throw error;
    fit = fitWith(state, prepared, device.profile, new Map());
    problem = error;
  }
  const losses = known.losses(fit);
  // What fits does not depend on harm.
  const loss = losses?.loss ?? (() => 0);
  return {
    known,
    device,
    fit,
    losses,
    maxDrop: maxDropInForce(state),
    expectDrop: decided && expectedDrop(decided.result.baselines, [decided.result.plan]),
    state,
    live: once(() => solveSoon(fit, loss)),
    liveWith: (pins) => solveSoon(fitWith(state, prepared, device.profile, pins), loss),
    ...(problem && { problem }),
  };
}

/** What is shown of a model on a device: its plan where that was made for these budgets, else what would be allocated now. */
export function shownOn(model: ModelOnDevice): Assessment & { readonly fromPlan: boolean } {
  const { plan } = model.state;
  const fromPlan = plan !== undefined && isCurrent(model.state);
  return { ...assess(model, fromPlan ? planBits(plan.plan) : model.live().bits), fromPlan };
}

/** Costs, verdict and harm of some bits; layers that are not named stay in float. */
export function assess(model: ModelOnDevice, wanted: ReadonlyMap<string, Bits | null>): Assessment {
  const { fit, losses, state, maxDrop, device } = model;
  const bits = new Map<string, Bits | null>(fit.table.layers.map(({ name }) => [name, wanted.get(name) ?? null]));
  const rows = new Map(fit.rows(bits, state.statistics, losses?.byLayer ?? {}).map((row) => [row.name, row]));
  const budgets = fit.budgets(bits);
  const loss = losses && totalLoss(bits, losses.loss);
  const accuracy = loss === undefined ? undefined : accuracyOf(withoutStaleAccuracy(state, rows), fit, bits, loss);
  const smallest = isOver(budgets) ? model.live().smallest : undefined;
  const verdict = verdictOf({
    budgets,
    ...(accuracy && { accuracy }),
    ...(maxDrop !== undefined && !accuracy?.synthetic && { maxDrop }),
    ...(smallest && { smallest }),
    allowedBits: device.profile.weightBits,
  });
  return {
    bits,
    rows,
    budgets,
    verdict,
    ...(accuracy && { accuracy }),
    averageBits: averageBits([...rows.values()]),
    ...(loss !== undefined && { loss }),
  };
}

/** Limits that no mix of bits can keep, each by itself, with the smallest use that can be reached. */
export function unreachable(model: ModelOnDevice): ReadonlyMap<Resource, number> {
  const { limits } = model.fit.input;
  const found = new Map<Resource, number>();
  const { smallest = {}, bits } = model.live();
  for (const [name, use] of Object.entries(smallest) as [Resource, number][]) {
    if (use > (limits[name] ?? Number.POSITIVE_INFINITY)) found.set(name, use);
  }
  // Activations take what they take, whatever the bits of the weights.
  const activations = model.fit.budgets(bits).find(({ name }) => name === "activationMemory");
  if (activations?.use !== undefined && activations.use > (activations.limit ?? Number.POSITIVE_INFINITY)) {
    found.set("activationMemory", activations.use);
  }
  return found;
}

/** A decision for another device says nothing of this one. */
function stateOn(state: SessionState, device: ActiveProfile): SessionState {
  const { decided, ...rest } = state;
  const own = decided && decided.result.plan.profile === device.ref ? { decided } : {};
  return { ...rest, ...own, profile: device, whatIf: new Map() };
}

function isOver(budgets: readonly BudgetUse[]): boolean {
  return budgets.some(({ use, limit }) => use !== undefined && limit !== undefined && use > limit);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
