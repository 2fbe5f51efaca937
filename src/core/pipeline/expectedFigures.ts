import type { DeviceFigures } from "../plan/deviceFigures.ts";
import { averageBits } from "../plan/summary.ts";
import type { Baseline, Plan } from "../plan/types.ts";
import { verdictOf } from "../plan/verdict.ts";
import type { DeviceFit } from "./deviceFit.ts";
import { expectedAccuracy } from "./expectedDrop.ts";
import { type LossOf, totalLoss } from "./loss.ts";
import { baselineBits } from "./planOf.ts";
import { type DropLimit, maxDropFraction } from "./settings.ts";
import type { SolvedBits } from "./solveBits.ts";

export interface ExpectedInput {
  readonly fit: DeviceFit;
  readonly loss: LossOf;
  readonly solved: SolvedBits;
  /** Runs of the same model on the same samples, for whichever device; accuracy is told from them. */
  readonly baselines: readonly Baseline[];
  readonly plans?: readonly Pick<Plan, "certificate" | "accuracy">[];
  readonly dropLimit?: DropLimit;
}

/** Bits that the solver found for a device, with what they cost there and the accuracy expected of them. Runs nothing. */
export function expectedFigures({ fit, loss, solved, baselines, plans = [], dropLimit }: ExpectedInput): DeviceFigures {
  const rows = fit.rows(solved.bits, new Map(), {});
  const budgets = fit.budgets(solved.bits);
  const total = totalLoss(solved.bits, loss);
  const accuracy = expectedAccuracy(baselines, plans, total);
  const target = dropLimit && accuracy && !accuracy.synthetic;
  const verdict = verdictOf({
    budgets,
    ...(accuracy && { accuracy }),
    ...(target && { maxDrop: maxDropFraction(dropLimit, accuracy.float) }),
    ...(solved.smallest && { smallest: solved.smallest }),
    allowedBits: baselineBits(fit),
  });
  return {
    verdict,
    bits: rows.map(({ weightBits }) => weightBits),
    averageBits: averageBits(rows),
    budgets,
    ...(accuracy && { accuracy }),
    loss: total,
  };
}
