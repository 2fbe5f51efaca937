import { type ExactOptions, solveExact } from "../allocate/exact.ts";
import type { Bits, Resource } from "../hardware/profile.ts";
import type { DeviceFit } from "./deviceFit.ts";
import type { LossOf } from "./loss.ts";

/** What the exact solver finds for a model on a device. */
export interface SolvedBits {
  /** Every layer; null = float. Where nothing fits: the point nearest to the limits. */
  readonly bits: ReadonlyMap<string, Bits | null>;
  /** The least total sensitivity within the limits; absent when no mix of bits meets them all, which is then proven. */
  readonly optimum?: { readonly loss: number; readonly bound: number; readonly gap: number };
  /** When nothing fits: the smallest reachable use of each limited resource. */
  readonly smallest?: Readonly<Partial<Record<Resource, number>>>;
}

/** Bits with the least total sensitivity within the limits of `fit`. */
export function solveBits(fit: DeviceFit, loss: LossOf, options: ExactOptions, signal?: AbortSignal): SolvedBits {
  const { table } = fit;
  const { problem, bitsOf } = table.toProblem(loss);
  const solved = solveExact(problem, options, signal);
  const choice = solved.feasible ? solved.choice : solved.nearest.choice;
  const decided = bitsOf(choice);
  const bits = new Map<string, Bits | null>(table.layers.map(({ name }) => [name, decided.get(name) ?? null]));
  if (solved.feasible) return { bits, optimum: { loss: solved.loss, bound: solved.bound, gap: solved.gap } };
  const own = (name: Resource) => (name === "weightMemory" ? fit.otherBytes : 0);
  const smallest = table.limited.map((name, k) => [name, (solved.minimum[k] as number) + own(name)]);
  return { bits, smallest: Object.fromEntries(smallest) };
}
