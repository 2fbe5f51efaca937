import type { Bits } from "../../../src/core/hardware/profile.ts";
import { serializePlan } from "../../../src/core/plan/planFile.ts";
import { layer, plan, weights } from "../../unit/plan/support.ts";

/** The text of a plan with these bits and this use of weight memory. */
export function fileText(bits: Readonly<Record<string, Bits>>, bytes: number, headline = "Fits, −0.4 points"): string {
  const layers = Object.entries(bits).map(([name, weightBits]) => layer(name, { weightBits }));
  const verdict = { verdict: headline.startsWith("Fits") ? "feasible" : "infeasible", headline, detail: "" } as const;
  return serializePlan(plan({ layers, budgets: [weights(bytes)], verdict }));
}
