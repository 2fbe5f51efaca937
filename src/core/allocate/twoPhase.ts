import type { Bits } from "../hardware/profile.ts";
import type { SearchStep } from "../plan/types.ts";
import { fitsPressure, type WeightResource } from "./costTable.ts";
import { sigmaBits } from "./sigmaClusters.ts";
import { refine } from "./twoPhaseRefine.ts";
import { type TwoPhaseInput, TwoPhaseRun } from "./twoPhaseRun.ts";
import { shrink } from "./twoPhaseShrink.ts";
import { nextStep } from "./twoPhaseSteps.ts";
import { uniformBits } from "./uniform.ts";

/** Bits of the uniform start (paper, phase 1). */
const startBits = 8;
/**
 * Cluster-size penalty in each round of phase 1: it grows by 0.1, for 2 or 3 rounds (paper). The first is not
 * published; ours is one step, so that already in the first round no cluster swallows most layers.
 */
const lambdas = [0.1, 0.2, 0.3] as const;
/** Steps of phase 2 at most (paper, phase 2). */
const maxSteps = 40;
/**
 * Steps of phase 2 that may in succession not come closer to the targets. Ours; the paper: "when steps stop helping".
 */
const patience = 5;

export interface TwoPhaseResult {
  /** Bits of every quantized layer, pinned ones included. */
  readonly bits: ReadonlyMap<string, Bits>;
  readonly trace: readonly SearchStep[];
  /** Loss of accuracy of these bits, as `evaluate` measured it. */
  readonly drop: number;
  /** Sum of the sensitivities of these bits. */
  readonly loss: number;
  /**
   * Which targets these bits meet; a target that is not set is met. Limits without figures count in neither way: see
   * `unknown`.
   */
  readonly met: { readonly budgets: boolean; readonly accuracy: boolean };
  /** Limited resources whose cost the profile can't tell. */
  readonly unknown: readonly WeightResource[];
  /** How often the model was run. */
  readonly evaluations: number;
}

/**
 * The two-phase search of SigmaQuant (arXiv 2602.22136), carried through to the targets.
 *
 * Phase 1 starts from uniform 8 bits (or the widest a layer may have) and clusters the layers by the sigma of their
 * weights (`sigmaBits`), with a growing penalty as long as neither accuracy nor cost is within its buffer, at most 3
 * rounds. Phase 2 takes up to 40 steps of two groups by two bits: which way depends on the zone (zones.ts), which
 * groups on their sensitivity (`nextStep`). A step into the abandon zone is taken back. Phase 2 stops in the target zone,
 * where no step is left, or when five steps in succession did not help; the search then goes back to its best
 * configuration. Beyond the paper, `refine` brings it within the budgets whenever they can be met, and close to the
 * least total sensitivity there.
 *
 * Targets: budgets and accuracy: both are to be met, budgets first, and within them the loss is to be small. Budgets
 * alone: the least loss within them. Accuracy alone: the least weight memory that meets it (`shrink`). Neither: nothing
 * is to be gained, and the search stays at its start.
 *
 * Never silent about a target that is missed: see `met`. If no bits meet the budgets, the result is the nearest point.
 *
 * @param onStep hears of each step as it is taken
 * @throws what `evaluate` throws, and the signal's reason
 */
export async function searchTwoPhase(
  input: TwoPhaseInput,
  onStep: (step: SearchStep) => void,
  signal?: AbortSignal,
): Promise<TwoPhaseResult> {
  const run = new TwoPhaseRun(input, onStep, signal);
  if (await phaseOne(run)) await phaseTwo(run);
  if (run.shrinks) await shrink(run);
  else if (input.table.limited.length > 0) await refine(run);
  const { bits, drop, loss, pressure } = run.point;
  return {
    bits,
    trace: run.trace,
    drop,
    loss,
    met: { budgets: fitsPressure(pressure), accuracy: run.shortfall(run.point) <= 0 },
    unknown: input.table.unknown,
    evaluations: run.evaluations,
  };
}

/** False when nothing is left for phase 2. */
async function phaseOne(run: TwoPhaseRun): Promise<boolean> {
  const { table, sigma } = run.input;
  const start = await run.run(run.space.choiceOf(uniformBits(table, startBits)));
  run.record(1, start, true);
  const { zone, raise, lower } = run.zone(start);
  if (zone === "target") {
    if (!run.shrinks) return false;
  } else if (lower === 0 && raise > 0 && nextStep(run, raise, 0) === undefined) {
    // Only accuracy is short, and every layer has its widest bits already.
    return false;
  }
  for (const lambda of lambdas) {
    const point = await run.run(run.space.choiceOf(sigmaBits(table, sigma, lambda)));
    // The abandon zone is where neither accuracy nor cost is within its buffer.
    const kept = run.zone(point).zone !== "abandon";
    run.record(1, point, kept, lambda);
    if (kept) break;
  }
  return run.shrinks || run.zone(run.point).zone !== "target";
}

async function phaseTwo(run: TwoPhaseRun): Promise<void> {
  let best = run.best();
  let nearest = run.distance(run.point);
  let idle = 0;
  for (let step = 0; step < maxSteps && idle < patience; step++) {
    const row = run.zone(run.point);
    if (row.zone === "target" && !run.shrinks) return;
    const [raise, lower] = row.zone === "target" ? [0, 2] : [row.raise, row.lower];
    const choice = nextStep(run, raise, lower);
    if (choice === undefined) return;
    const point = await run.run(choice);
    const kept = run.zone(point).zone !== "abandon";
    run.record(2, point, kept);
    const helped = kept && (run.distance(point) < nearest || run.better(point, best));
    idle = helped ? 0 : idle + 1;
    nearest = Math.min(nearest, run.distance(run.point));
    best = run.best();
  }
}
