import { type Cost, layerCost } from "../hardware/cost.ts";
import {
  type ActivationBits,
  type Bits,
  type Budgets,
  type HardwareProfile,
  type Resource,
  resources,
} from "../hardware/profile.ts";
import type { Layer } from "../model/layer.ts";
import { type DecisionGroup, decisionsOf } from "./decisionGroups.ts";
import type { AllocationProblem, Choice } from "./problem.ts";

/** What the weight bits cost. Peak activation memory does not depend on them; the caller checks it. */
export type WeightResource = Exclude<Resource, "activationMemory">;
const weightResources: readonly WeightResource[] = resources.filter((name) => name !== "activationMemory");

/**
 * Sums of thousands of doubles differ by about 1e-13 of their size with the order of addition, and a limit may itself
 * be such a sum ("as fast as uniform 4 bits"). Far below one byte in a gigabyte.
 */
export const roundingAllowance = 1e-12;

export interface CostTableInput {
  /** All layers of the model, also those that stay in float. */
  readonly layers: readonly Layer[];
  readonly profile: HardwareProfile;
  /** `budgetsOf(profile, overrides)`. */
  readonly limits: Budgets;
  /** Bits to choose from; undefined = all of the device's. */
  readonly candidates?: readonly Bits[];
  /** Bits fixed by hand; null = float. */
  readonly pins?: ReadonlyMap<string, Bits | null>;
  /** Of every quantized layer; null = activations in float. */
  readonly activationBits: ActivationBits | null;
  /** Of the layers that have others. */
  readonly ownActivationBits?: ReadonlyMap<string, ActivationBits>;
  /**
   * Layers that share their bits, by name: `sharedBits.groups` and, where the profile ties residuals, `residualGroups`.
   */
  readonly sharing?: readonly (readonly string[])[];
}

/** A knapsack over a table's groups, and the way back. */
export interface TableProblem {
  readonly problem: AllocationProblem;
  /** Bits of every quantized layer for a choice per group of `problem`. */
  bitsOf(choice: readonly number[]): Map<string, Bits>;
  /** The choice with these bits; a group with other bits gets the next wider it has, else its widest. */
  choiceOf(bits: ReadonlyMap<string, Bits | null>): number[];
  /** Bits of a group's choice. */
  bitsAt(group: number, choice: number): Bits;
}

/**
 * What every layer costs at every bitwidth on one device, and which layers are decided together: all that a search for
 * bits needs to know of model and device. Costs are bytes, seconds, joules and bit operations, by the formulas of
 * `layerCost`, each computed once.
 */
export class CostTable {
  readonly layers: readonly Layer[];
  readonly groups: readonly DecisionGroup[];
  /** Bits of the layers that are not decided: pinned ones, and null for those in float. */
  readonly fixed: ReadonlyMap<string, Bits | null>;
  /** The limits that the search has to keep: those on costs that are known. */
  readonly limits: Readonly<Partial<Record<WeightResource, number>>>;
  readonly limited: readonly WeightResource[];
  /** Limited resources for which the profile lacks a figure for some layer at some of its bits: can't be checked. */
  readonly unknown: readonly WeightResource[];
  /** Names in `sharing` that are no layer of the model. */
  readonly unmatched: readonly string[];
  private readonly known = new Map<string, Map<Bits | null, Cost>>();

  /** @throws SigmaQuantError as `decisionsOf` */
  constructor(private readonly input: CostTableInput) {
    const { layers, profile, candidates, limits } = input;
    const decisions = decisionsOf(layers, profile, candidates, input.pins ?? new Map(), input.sharing ?? []);
    this.layers = layers;
    this.groups = decisions.groups;
    this.fixed = decisions.fixed;
    this.unmatched = decisions.unmatched;
    const wanted = weightResources.filter((name) => limits[name] !== undefined);
    this.limited = wanted.filter((name) => this.isKnown(name));
    this.unknown = wanted.filter((name) => !this.limited.includes(name));
    this.limits = Object.fromEntries(this.limited.map((name) => [name, limits[name]]));
  }

  /** Costs of a plan; a cost with an unknown term is absent. Layers that `bits` lacks are in float. */
  costOf(bits: ReadonlyMap<string, Bits | null>): Partial<Record<Resource, number>> {
    const costs: Partial<Record<Resource, number>> = {};
    for (const name of weightResources) {
      let sum: number | undefined = 0;
      for (const layer of this.layers) {
        const term: number | undefined = this.layerCost(layer, bits.get(layer.name) ?? null)[name];
        sum = term === undefined ? undefined : sum + term;
        if (sum === undefined) break;
      }
      if (sum !== undefined) costs[name] = sum;
    }
    return costs;
  }

  /** Largest use / limit over the known limits; 0 without any. */
  pressure(bits: ReadonlyMap<string, Bits | null>): number {
    if (this.limited.length === 0) return 0;
    const costs = this.costOf(bits);
    return Math.max(...this.limited.map((name) => useOf(costs[name] ?? 0, this.limits[name] ?? 0)));
  }

  /** True when all known limits hold. */
  fits(bits: ReadonlyMap<string, Bits | null>): boolean {
    return fitsPressure(this.pressure(bits));
  }

  /**
   * The allocation as a multiple-choice knapsack: a choice is a group's bits, its loss the sum of `loss` over the
   * group's layers, its costs those of the limited resources, in the order of `limits`. What is fixed is a last group
   * of one choice, so that limits stay the budgets themselves and losses and costs those of the whole plan.
   *
   * A loss below 0 (a measurement's noise) counts as 0. Bits at which a group's loss is not a number, or infinite, are
   * not offered, as the network gives no usable output there, unless the group has no others.
   *
   * @param limits others than the table's own, on costs that are known
   */
  toProblem(loss: (layer: string, bits: Bits) => number, limits = this.limits): TableProblem {
    const { groups, fixed } = this;
    const limited = weightResources.filter((name) => limits[name] !== undefined);
    const byName = new Map(this.layers.map((layer) => [layer.name, layer]));
    const choiceAt = (names: Iterable<string>, bitsFor: (name: string) => Bits | null): Choice => {
      let total = 0;
      const costs = limited.map(() => 0);
      for (const name of names) {
        const bits = bitsFor(name);
        if (bits !== null) total += Math.max(0, loss(name, bits));
        const cost = this.layerCost(byName.get(name) as Layer, bits);
        for (const [k, resource] of limited.entries()) costs[k] = (costs[k] as number) + (cost[resource] ?? 0);
      }
      return { loss: total, costs };
    };
    const offered: (readonly Bits[])[] = [];
    const choices: (readonly Choice[])[] = [];
    for (const group of groups) {
      const all = group.bits.map((bits) => choiceAt(group.layers, () => bits));
      const usable = all.map((choice) => Number.isFinite(choice.loss));
      const none = !usable.includes(true);
      offered.push(none ? group.bits : group.bits.filter((_, i) => usable[i]));
      choices.push(none ? all.map(({ costs }) => ({ loss: 0, costs })) : all.filter((_, i) => usable[i]));
    }
    const rest = choiceAt(fixed.keys(), (name) => fixed.get(name) ?? null);
    const problem: AllocationProblem = {
      groups: [...choices, [{ loss: Number.isFinite(rest.loss) ? rest.loss : 0, costs: rest.costs }]],
      limits: limited.map((name) => limits[name] as number),
    };
    const bitsAt = (group: number, choice: number): Bits => offered[group]?.[choice] as Bits;
    return {
      problem,
      bitsAt,
      bitsOf: (choice) => this.withFixed((_, g) => bitsAt(g, choice[g] as number)),
      choiceOf: (bits) => [
        ...groups.map((group, g) => {
          const own = offered[g] as readonly Bits[];
          return own.indexOf(closestBits(own, bits.get(group.layers[0] as string) ?? 8));
        }),
        0,
      ],
    };
  }

  /** Bits of every quantized layer: `decide` for each group, and the pins. */
  withFixed(decide: (group: DecisionGroup, index: number) => Bits): Map<string, Bits> {
    const decided = new Map<string, Bits>();
    for (const [g, group] of this.groups.entries()) {
      const bits = decide(group, g);
      for (const name of group.layers) decided.set(name, bits);
    }
    const result = new Map<string, Bits>();
    for (const { name } of this.layers) {
      const bits = decided.get(name) ?? this.fixed.get(name);
      if (bits !== undefined && bits !== null) result.set(name, bits);
    }
    return result;
  }

  private isKnown(resource: WeightResource): boolean {
    const byName = new Map(this.layers.map((layer) => [layer.name, layer]));
    const cost = (name: string, bits: Bits | null) => this.layerCost(byName.get(name) as Layer, bits)[resource];
    return (
      [...this.fixed].every(([name, bits]) => cost(name, bits) !== undefined) &&
      this.groups.every(({ layers, bits }) => layers.every((name) => bits.every((b) => cost(name, b) !== undefined)))
    );
  }

  private layerCost(layer: Layer, bits: Bits | null): Cost {
    let row = this.known.get(layer.name);
    if (row === undefined) {
      row = new Map();
      this.known.set(layer.name, row);
    }
    let cost = row.get(bits);
    if (cost === undefined) {
      const activations = this.input.ownActivationBits?.get(layer.name) ?? this.input.activationBits;
      cost = layerCost(layer, bits, activations, this.input.profile);
      row.set(bits, cost);
    }
    return cost;
  }
}

/** Use of a limit: 1 = all of it. A limit of 0 that something uses is infinitely exceeded. */
export function useOf(use: number, limit: number): number {
  return use <= 0 ? 0 : use / limit;
}

/** True when use / limit is at most 1, but for what adding in another order may change. */
export function fitsPressure(pressure: number, allowance = 1): boolean {
  return pressure <= allowance * (1 + roundingAllowance);
}

/**
 * `wanted` where it is allowed, else the next wider allowed bits, else the widest. `allowed` ascends and is not empty.
 */
export function closestBits(allowed: readonly Bits[], wanted: number): Bits {
  return (allowed.find((bits) => bits >= wanted) ?? allowed.at(-1)) as Bits;
}
