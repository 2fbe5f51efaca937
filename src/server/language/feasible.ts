import { layerCost } from "../../core/hardware/cost.ts";
import type { Bits, Resource } from "../../core/hardware/profile.ts";
import { overruns } from "../../core/plan/verdict.ts";
import { roundedUp } from "../remedies.ts";
import { inTime } from "../solveSoon.ts";
import type { ModelOnDevice } from "./onDevice.ts";

/** A person has opened a menu and waits for it; the least limit of most networks is found in a few milliseconds. */
const solver = { maxGap: 0, maxMillis: 100 };

/**
 * The smallest limit of one resource with which some mix of bits keeps every budget, as a person would write it, in the program's
 * unit: the solver minimizes the use of that resource in place of the loss. Undefined when the other budgets can't all be kept either.
 */
export function leastLimit({ fit, known }: ModelOnDevice, resource: Resource): number | undefined {
  const { [resource]: _, ...others } = fit.input.limits;
  const free = fit.withLimits(others);
  const layers = new Map(known.prepared.discovery.layers.map((layer) => [layer.name, layer]));
  const costOf = (name: string, bits: Bits): number => {
    const layer = layers.get(name);
    if (!layer || resource === "activationMemory") return 0;
    return layerCost(layer, bits, fit.activationBits, fit.input.profile)[resource] ?? 0;
  };
  const solved = inTime(free, costOf, solver);
  if (!solved?.optimum) return undefined;
  const { bits } = solved;
  const budgets = free.budgets(bits);
  // Activations do not depend on weight bits; the solver knows nothing of their budget.
  if (overruns(budgets).length > 0) return undefined;
  const use = budgets.find(({ name }) => name === resource)?.use;
  return use === undefined ? undefined : roundedUp(resource, use);
}

/** Limits that the plan nearest to the budgets keeps, for each that it exceeds; in the program's units, as a person would write them. */
export function nearestLimits(model: ModelOnDevice): ReadonlyMap<Resource, number> {
  const over = overruns(model.fit.budgets(model.live().bits));
  return new Map(over.map(({ name, use }) => [name, roundedUp(name, use)]));
}
