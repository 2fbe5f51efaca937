import type { Bits } from "../hardware/profile.ts";
import type { DeviceFit } from "./deviceFit.ts";
import type { LossOf } from "./loss.ts";
import { solveBits } from "./solveBits.ts";

export interface FrontPoint {
  /** Every layer; null = float. */
  readonly bits: ReadonlyMap<string, Bits | null>;
  readonly weightMemory: number;
  /** Sum of the sensitivities. */
  readonly loss: number;
}

/** A point every few percent of the range of sizes: closer ones fall on each other in a chart. */
const usualPoints = 24;
/** Nobody sees a thousandth of a loss in a chart. */
const gap = 1e-2;

/**
 * The Pareto front of weight memory against total sensitivity: the best plan at sizes from the smallest to the largest, without
 * any other budget. Dominated and equal points are left out.
 */
export function paretoFront(fit: DeviceFit, loss: LossOf, points = usualPoints, signal?: AbortSignal): FrontPoint[] {
  const free = fit.withLimits({});
  const sizeOf = (pick: (bits: readonly Bits[]) => Bits) =>
    free.weightMemory(free.table.withFixed((group) => pick(group.bits)));
  const low = sizeOf((bits) => bits[0] as Bits);
  const high = sizeOf((bits) => bits.at(-1) as Bits);
  const front: FrontPoint[] = [];
  for (let i = 0; i < points; i++) {
    signal?.throwIfAborted();
    const limit = low + ((high - low) * i) / Math.max(1, points - 1);
    const { bits, optimum } = solveBits(free.withLimits({ weightMemory: limit }), loss, { maxGap: gap }, signal);
    if (!optimum) continue;
    const weightMemory = free.weightMemory(bits);
    const last = front.at(-1);
    if (last && (weightMemory <= last.weightMemory || optimum.loss >= last.loss)) continue;
    front.push({ bits, weightMemory, loss: optimum.loss });
  }
  return front;
}
