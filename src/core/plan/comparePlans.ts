import type { Bits, Resource } from "../hardware/profile.ts";
import type { Plan } from "./types.ts";

export interface LayerDifference {
  readonly name: string;
  /** null = float; undefined = the plan has no such layer. */
  readonly bits: readonly (Bits | null | undefined)[];
  readonly bytes: readonly (number | undefined)[];
}

export interface PlanComparison {
  /** Use of each budget, one entry a plan. */
  readonly budgets: readonly { readonly name: Resource; readonly use: readonly (number | undefined)[] }[];
  /** Layers whose bits differ, in the first plan's order; layers of later plans alone at the end. */
  readonly layers: readonly LayerDifference[];
  /** Layers with the same bits in all plans. */
  readonly same: number;
}

/** Lays plans side by side. @param plans at least one */
export function comparePlans(plans: readonly Plan[]): PlanComparison {
  const names = [...new Set(plans.flatMap((plan) => plan.layers.map((layer) => layer.name)))];
  const byName = plans.map((plan) => new Map(plan.layers.map((layer) => [layer.name, layer])));
  const all = names.map((name): LayerDifference => {
    const found = byName.map((layers) => layers.get(name));
    return { name, bits: found.map((l) => l?.weightBits), bytes: found.map((l) => l?.bytes) };
  });
  const layers = all.filter(({ bits }) => new Set(bits).size > 1);
  const budgets = (plans[0]?.budgets ?? []).map(({ name }) => ({
    name,
    use: plans.map((plan) => plan.budgets.find((b) => b.name === name)?.use),
  }));
  return { budgets, layers, same: all.length - layers.length };
}
