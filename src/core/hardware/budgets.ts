import type { BudgetUse } from "../plan/types.ts";
import type { Cost } from "./cost.ts";
import { type Budgets, type HardwareProfile, type Resource, resources } from "./profile.ts";

const bytesPerKiB = 1024;

/** Unit of each budget's limit and use. */
export const resourceUnits: Readonly<Record<Resource, BudgetUse["unit"]>> = {
  weightMemory: "B",
  activationMemory: "B",
  latency: "s",
  energy: "J",
  bops: "bitops",
};

/**
 * The limits that hold, in bytes, seconds, joules and bit operations; absent = unlimited.
 *
 * An override (from the command line or a what-if) replaces the profile's budget of the same name. The device's own
 * memory is a limit too: where there is no budget for it, and as the lower of the two where there is one. Fractions of a
 * byte are cut off.
 */
export function budgetsOf(profile: HardwareProfile, overrides: Budgets = {}): Budgets {
  const { budgets } = profile;
  const own: Record<Resource, number | undefined> = {
    weightMemory: scaled(budgets.weightMemoryKiB, bytesPerKiB),
    activationMemory: scaled(budgets.activationMemoryKiB, bytesPerKiB),
    // Divided, since 1e-3 is no binary fraction: 5 ms / 1e3 is 0.005 to the last bit, 5 * 1e-3 need not be.
    latency: budgets.latencyMs === undefined ? undefined : budgets.latencyMs / 1e3,
    energy: budgets.energyUj === undefined ? undefined : budgets.energyUj / 1e6,
    bops: scaled(budgets.bopsM, 1e6),
  };
  const capacities = capacitiesOf(profile);
  const limits: Partial<Record<Resource, number>> = {};
  for (const name of resources) {
    const budget = overrides[name] ?? own[name];
    const limit = Math.min(budget ?? Number.POSITIVE_INFINITY, capacities[name] ?? Number.POSITIVE_INFINITY);
    if (limit === Number.POSITIVE_INFINITY) continue;
    limits[name] = resourceUnits[name] === "B" ? Math.floor(limit) : limit;
  }
  return limits;
}

/** What the device has of each resource, in bytes: its memories. Absent = the profile does not say. */
export function capacitiesOf(profile: HardwareProfile): Budgets {
  const weightMemory = scaled(profile.memory.weightMemoryKiB, bytesPerKiB);
  const activationMemory = scaled(profile.memory.activationMemoryKiB, bytesPerKiB);
  return {
    ...(weightMemory === undefined ? {} : { weightMemory }),
    ...(activationMemory === undefined ? {} : { activationMemory }),
  };
}

/**
 * Use of every budget, limited or not, always in the order of `resources`.
 *
 * @param cost of the plan (`planCost`); a cost it lacks has no use, as the profile has no figure for it
 * @param activationMemory peak bytes of live activations (`peakActivationBytes`); undefined if shapes are unknown
 */
export function budgetUses(cost: Cost, activationMemory: number | undefined, limits: Budgets): readonly BudgetUse[] {
  const uses: Readonly<Record<Resource, number | undefined>> = {
    weightMemory: cost.weightMemory,
    activationMemory,
    latency: cost.latency,
    energy: cost.energy,
    bops: cost.bops,
  };
  return resources.map((name) => {
    const limit = limits[name];
    const use = uses[name];
    return {
      name,
      ...(limit === undefined ? {} : { limit }),
      ...(use === undefined ? {} : { use }),
      unit: resourceUnits[name],
    };
  });
}

function scaled(value: number | undefined, factor: number): number | undefined {
  return value === undefined ? undefined : value * factor;
}
