import type { Bits } from "../hardware/profile.ts";
import { keepsTarget } from "../plan/verdict.ts";
import type { OnProgress } from "../ports.ts";
import type { DeviceFit } from "./deviceFit.ts";
import { searchDrop } from "./drop.ts";
import type { LossOf } from "./loss.ts";
import type { MixEvaluator } from "./mix.ts";
import { solveBits } from "./solveBits.ts";

/** Halvings of the range of sizes: 2^-7 of it is less than a bit on one layer in most networks. Our choice. */
const halvings = 7;

/**
 * The smallest plan whose measured loss of accuracy stays within `maxDrop`: for each size the exact solver's plan, the size
 * found by bisection with a run of the network at each step. For targets without any budget.
 * @param maxDrop a fraction
 */
export async function smallestWithinDrop(
  fit: DeviceFit,
  loss: LossOf,
  evaluator: MixEvaluator,
  maxDrop: number,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Bits | null>> {
  const { table } = fit;
  const size = (pick: (bits: readonly Bits[]) => Bits) =>
    fit.weightMemory(table.withFixed((group) => pick(group.bits)));
  let low = size((bits) => bits[0] as Bits);
  let high = size((bits) => bits.at(-1) as Bits);
  let best: ReadonlyMap<string, Bits | null> = table.withFixed((group) => group.bits.at(-1) as Bits);
  for (let step = 0; step < halvings && high - low > 1; step++) {
    signal?.throwIfAborted();
    onProgress({ stage: "Searching", done: step, total: halvings });
    const limit = step === 0 ? low : (low + high) / 2;
    const plan = planAt(fit, loss, limit, signal);
    const drop = plan ? searchDrop(evaluator.float, await evaluator.evaluate(plan, signal)) : Number.POSITIVE_INFINITY;
    if (plan && keepsTarget(drop, maxDrop)) {
      best = plan;
      high = limit;
    } else low = limit;
  }
  return best;
}

function planAt(
  fit: DeviceFit,
  loss: LossOf,
  limit: number,
  signal?: AbortSignal,
): ReadonlyMap<string, Bits | null> | undefined {
  const solved = solveBits(fit.withLimits({ weightMemory: limit }), loss, {}, signal);
  return solved.optimum ? solved.bits : undefined;
}
