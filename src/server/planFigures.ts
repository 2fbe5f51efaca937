import type { Plan, PlanLayer } from "../core/plan/types.ts";
import type { SessionState } from "./sessionState.ts";

/** Figures in a plan have six digits. */
const bytesTolerance = 1e-5;

/** Whether a plan's figures are of its bits: computed anew they come out the same. */
export function hasCurrentFigures(plan: Pick<Plan, "layers">, rows: ReadonlyMap<string, PlanLayer>): boolean {
  return plan.layers.every(({ name, bytes }) => {
    const row = rows.get(name);
    return row === undefined || Math.abs(row.bytes - bytes) <= bytesTolerance * row.bytes;
  });
}

/**
 * The state without an accuracy that is not of the plan's bits: one whose bits were changed by hand still has what was measured before; its
 * figures tell. @param rows of the plan's bits
 */
export function withoutStaleAccuracy(state: SessionState, rows: ReadonlyMap<string, PlanLayer>): SessionState {
  const { plan } = state;
  if (!plan?.plan.accuracy || hasCurrentFigures(plan.plan, rows)) return state;
  const { accuracy: _, ...rest } = plan.plan;
  return { ...state, plan: { ...plan, plan: rest } };
}
