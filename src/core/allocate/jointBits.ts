import type { ActivationBits, Bits } from "../hardware/profile.ts";
import type { DecisionGroup } from "./decisionGroups.ts";
import { solveExact } from "./exact.ts";
import type { AllocationProblem, Choice } from "./problem.ts";

/** What a joint choice of weight and activation bits needs to know. */
export interface JointInput {
  /** Layers that share their weight bits. */
  readonly groups: readonly DecisionGroup[];
  /** Weight bits of the other layers; null = in float. */
  readonly fixed: ReadonlyMap<string, Bits | null>;
  /** Activations that a quantized layer reads, by layer. */
  readonly reads: ReadonlyMap<string, readonly string[]>;
  /** Activation bits to choose from, ascending, and those of activations whose choice is given up. */
  readonly activationBits: readonly ActivationBits[];
  readonly usual: ActivationBits;
  /** Harm of one layer's weights, and of one activation, at some bits. */
  readonly loss: (layer: string, bits: Bits) => number;
  readonly activationLoss: (value: string, bits: ActivationBits) => number;
  /** Costs of a layer, in the order of `limits`. */
  readonly costs: (layer: string, weights: Bits | null, activations: ActivationBits) => readonly number[];
  readonly limits: readonly number[];
}

export interface JointBits {
  /** By activation; those that are not there have the usual bits. */
  readonly activations: ReadonlyMap<string, ActivationBits>;
  readonly weights: ReadonlyMap<string, Bits>;
  /** Whether the limits can be met. */
  readonly feasible: boolean;
}

/**
 * Choices that a component may have: weight bits of its groups times activation bits of its values. Beyond it its activations
 * get the usual bits. Our choice: six bitwidths for two layers that read two values at three bitwidths are 324.
 */
const maxChoices = 4096;
/** As for weights alone: a gap that nobody sees. */
const gap = 1e-3;

interface Component {
  readonly groups: readonly DecisionGroup[];
  readonly values: readonly string[];
}

interface Option {
  /** null = in float. */
  readonly weights: readonly (Bits | null)[];
  readonly activations: readonly ActivationBits[];
}

/**
 * Weight and activation bits together, with the least sum of the harms that were measured alone, within limits that depend on both
 * (bit operations are MACs * weight bits * activation bits). Layers that read one activation, and layers that share their weight
 * bits, are decided together: one group of the multiple-choice knapsack, whose choices are all combinations.
 */
export function solveJointBits(input: JointInput, signal?: AbortSignal): JointBits {
  const components = componentsOf(input).flatMap((component) => split(component, input));
  const options = components.map((component) => optionsOf(component, input));
  const problem: AllocationProblem = {
    groups: components.map((component, i) =>
      (options[i] as Option[]).map((option) => choiceOf(component, option, input)),
    ),
    limits: input.limits,
  };
  const solved = solveExact(problem, { maxGap: gap }, signal);
  const choice = solved.feasible ? solved.choice : solved.nearest.choice;
  const activations = new Map<string, ActivationBits>();
  const weights = new Map<string, Bits>();
  for (const [i, { groups, values }] of components.entries()) {
    const option = options[i]?.[choice[i] as number] as Option;
    for (const [k, value] of values.entries()) activations.set(value, option.activations[k] as ActivationBits);
    for (const [k, { layers }] of groups.entries()) {
      const bits = option.weights[k] ?? null;
      if (bits !== null) for (const layer of layers) weights.set(layer, bits);
    }
  }
  return { activations, weights, feasible: solved.feasible };
}

/** Groups joined by the activations that their layers read. */
function componentsOf({ groups, fixed, reads }: JointInput): readonly Component[] {
  // Pinned layers have one choice of weights, and are read from all the same.
  const pinned = [...fixed].map(
    ([layer, bits]): DecisionGroup => ({ layers: [layer], bits: bits === null ? [] : [bits] }),
  );
  const all = [...groups, ...pinned];
  const parent = all.map((_, i) => i);
  const root = (i: number): number => {
    let at = i;
    while (parent[at] !== at) at = parent[at] as number;
    return at;
  };
  const readers = new Map<string, number>();
  for (const [i, group] of all.entries()) {
    if (group.bits.length === 0) continue;
    for (const value of group.layers.flatMap((layer) => reads.get(layer) ?? [])) {
      const other = readers.get(value);
      if (other === undefined) readers.set(value, i);
      else parent[root(i)] = root(other);
    }
  }
  const byRoot = new Map<number, { groups: DecisionGroup[]; values: string[] }>();
  for (const [i, group] of all.entries()) {
    const own = byRoot.get(root(i)) ?? { groups: [], values: [] };
    own.groups.push(group);
    byRoot.set(root(i), own);
  }
  for (const [value, i] of readers) byRoot.get(root(i))?.values.push(value);
  return [...byRoot.values()];
}

/** A component with too many choices falls apart into its groups, and its activations get the usual bits. */
function split(component: Component, { activationBits }: JointInput): readonly Component[] {
  const { groups, values } = component;
  const weights = groups.reduce((product, { bits }) => product * Math.max(1, bits.length), 1);
  if (weights * activationBits.length ** values.length <= maxChoices) return [component];
  return groups.map((group) => ({ groups: [group], values: [] }));
}

function optionsOf({ groups, values }: Component, { activationBits }: JointInput): readonly Option[] {
  const weights = combinations<Bits | null>(groups.map(({ bits }) => (bits.length > 0 ? bits : [null])));
  const activations = combinations<ActivationBits>(values.map(() => activationBits));
  return weights.flatMap((w) => activations.map((a) => ({ weights: w, activations: a })));
}

function choiceOf({ groups, values }: Component, option: Option, input: JointInput): Choice {
  let loss = 0;
  const costs = input.limits.map(() => 0);
  for (const [i, value] of values.entries()) {
    loss += Math.max(0, input.activationLoss(value, option.activations[i] as ActivationBits));
  }
  for (const [i, { layers }] of groups.entries()) {
    const weights = option.weights[i] ?? null;
    for (const layer of layers) {
      if (weights !== null) loss += Math.max(0, input.loss(layer, weights));
      // A layer that reads several activations computes in the widest of them.
      const own = (input.reads.get(layer) ?? []).map(
        (value) => option.activations[values.indexOf(value)] ?? input.usual,
      );
      const activations = own.length > 0 ? (Math.max(...own) as ActivationBits) : input.usual;
      for (const [k, cost] of input.costs(layer, weights, activations).entries())
        costs[k] = (costs[k] as number) + cost;
    }
  }
  return { loss, costs };
}

/** One of each list, in all ways. */
function combinations<T>(lists: readonly (readonly T[])[]): readonly (readonly T[])[] {
  return lists.reduce<readonly (readonly T[])[]>(
    (done, list) => done.flatMap((head) => list.map((each) => [...head, each])),
    [[]],
  );
}
