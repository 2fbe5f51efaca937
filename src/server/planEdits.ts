import { assertNever, SigmaQuantError } from "../core/errors.ts";
import type { Bits } from "../core/hardware/profile.ts";
import { planOf } from "../core/pipeline/planOf.ts";
import { serializePlan } from "../core/plan/planFile.ts";
import type { Plan } from "../core/plan/types.ts";
import type { PlanEdit } from "../protocol/requests.ts";
import type { Displayed } from "./displayed.ts";
import type { Losses } from "./losses.ts";
import type { SessionState } from "./sessionState.ts";

/** What an edit changes. */
export interface EditedBits {
  readonly bits: ReadonlyMap<string, Bits | null>;
  readonly pinned: ReadonlySet<string>;
}

/** Bits and pins after an edit. Setting bits by hand pins them: a later allocation must not take them back. */
export function applyEdit(
  edit: PlanEdit,
  displayed: Displayed,
  recommended: ReadonlyMap<string, Bits | null>,
  front: SessionState["front"],
): EditedBits {
  const bits = new Map(displayed.bits);
  const pinned = new Set(displayed.pinned);
  switch (edit.kind) {
    case "setBits":
      for (const layer of edit.layers) {
        bits.set(layer, edit.bits);
        pinned.add(layer);
      }
      return { bits, pinned };
    case "setPinned":
      for (const layer of edit.layers) {
        if (edit.pinned) pinned.add(layer);
        else pinned.delete(layer);
      }
      return { bits, pinned };
    case "resetBits":
      for (const layer of edit.layers) {
        bits.set(layer, recommended.get(layer) ?? null);
        pinned.delete(layer);
      }
      return { bits, pinned };
    case "reallocate":
      return { bits: recommended, pinned };
    case "resetAll":
      return { bits: recommended, pinned: new Set() };
    case "choosePareto": {
      const point = front[edit.index];
      if (!point) {
        throw new SigmaQuantError("SQ5301", "no-such-point", `The chart has no point ${edit.index}`, {
          remedy: "Choose one of the points shown",
        });
      }
      return { bits: point.bits, pinned };
    }
    default:
      return assertNever(edit);
  }
}

/** The text of a plan with these bits: rows, budgets and verdict computed anew, accuracy where these bits were run. */
export function planText(
  state: SessionState,
  losses: Losses,
  edited: EditedBits,
  how: { readonly strategy: Plan["strategy"]; readonly maxDrop?: number; readonly accuracy?: Plan["accuracy"] },
): string {
  const { fit, profile, modelHash } = state;
  if (!fit || !profile || modelHash === undefined) throw noProfile();
  const plan = planOf({
    fit,
    proposal: { bits: edited.bits, trace: state.decided?.result.plan.trace ?? [], notes: [] },
    model: state.fileName,
    modelHash,
    profile: profile.ref,
    strategy: how.strategy,
    activationRange: state.decided?.result.plan.activations.range ?? "percentile",
    statistics: state.statistics,
    sensitivity: losses.byLayer,
    metric: losses.metric,
    synthetic: losses.synthetic,
    ...(how.maxDrop !== undefined && { maxDrop: how.maxDrop }),
    ...(how.accuracy && { accuracy: how.accuracy }),
  });
  const layers = plan.layers.map(({ pinned: _, ...layer }) =>
    edited.pinned.has(layer.name) ? { ...layer, pinned: true } : layer,
  );
  return serializePlan({ ...plan, layers });
}

export function noProfile(): SigmaQuantError {
  return new SigmaQuantError("SQ5302", "no-profile", "There is no plan without a device", {
    remedy: "Choose a device profile first",
  });
}
