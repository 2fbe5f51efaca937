import { searchTwoPhase } from "../allocate/twoPhase.ts";
import { uniformBits } from "../allocate/uniform.ts";
import { assertNever } from "../errors.ts";
import type { Bits, Resource } from "../hardware/profile.ts";
import type { Plan, SearchStep, Strategy } from "../plan/types.ts";
import type { OnProgress } from "../ports.ts";
import type { WeightStatistics } from "../sensitivity/types.ts";
import type { DeviceFit } from "./deviceFit.ts";
import { searchDrop } from "./drop.ts";
import { type LossOf, totalLoss } from "./loss.ts";
import type { MixEvaluator } from "./mix.ts";
import { smallestWithinDrop } from "./smallest.ts";
import { solveBits } from "./solveBits.ts";

export interface ProposeInput {
  readonly fit: DeviceFit;
  readonly strategy: Strategy;
  readonly statistics: ReadonlyMap<string, WeightStatistics>;
  /** Measured sensitivities where there are any, else those estimated from the weights. */
  readonly loss: LossOf;
  readonly measured: boolean;
  /** Largest loss of accuracy, a fraction. */
  readonly maxDrop?: number;
  /** Runs mixes on calibration samples. Without it (nothing may be run) the exact solver decides for "sigmaquant" too. */
  readonly evaluator?: MixEvaluator;
}

/** Bits for every layer, and what is known of how good they are. */
export interface Proposal {
  /** null = float. Every layer of the model is there. */
  readonly bits: ReadonlyMap<string, Bits | null>;
  readonly trace: readonly SearchStep[];
  readonly certificate?: NonNullable<Plan["certificate"]>;
  /** Smallest reachable use of each budget, when no mix meets all of them: the proof of infeasibility. */
  readonly smallest?: Readonly<Partial<Record<Resource, number>>>;
  /** Things the user should know. */
  readonly notes: readonly string[];
}

/** A gap that nobody sees; proving the last bit of optimality can take as long as all before. */
const solverGap = 1e-3;

/** Steps of both phases when the search goes its whole way; for the progress bar. */
const usualSteps = 43;

/** Samples that changes to a mix are compared on: they matter where the harm is large, and then some tell them apart. Our choice. */
const probeSamples = 64;

/** Chooses bits for one device by the given strategy; when the budgets can't be met, the point nearest to them. */
export async function propose(input: ProposeInput, onProgress: OnProgress, signal?: AbortSignal): Promise<Proposal> {
  const { fit, strategy, loss } = input;
  const notes = fit.table.unknown.map(
    (name) => `The budget for ${name} cannot be checked: the profile lacks figures that it depends on`,
  );
  const solved = solveBits(fit, loss, { maxGap: solverGap }, signal);
  const finish = (bits: ReadonlyMap<string, Bits | null>, trace: readonly SearchStep[] = []): Proposal => ({
    bits: new Map(fit.table.layers.map(({ name }) => [name, bits.get(name) ?? null])),
    trace,
    ...(solved.optimum && {
      certificate: {
        loss: totalLoss(bits, loss),
        optimum: solved.optimum.loss,
        bound: solved.optimum.bound,
        gap: solved.optimum.gap,
      },
    }),
    notes,
  });
  if (strategy.startsWith("uniform:")) {
    const wanted = Number(strategy.slice("uniform:".length)) as Bits;
    const bits = uniformBits(fit.table, wanted);
    const others = fit.table.groups.flatMap(({ layers }) => layers).filter((name) => bits.get(name) !== wanted);
    if (others.length > 0) {
      notes.push(
        `${others.length} layers may not have ${wanted} bits and got the nearest wider (else the widest) they may have`,
      );
    }
    return finish(bits);
  }
  if (solved.smallest) return { bits: solved.bits, trace: [], smallest: solved.smallest, notes };
  switch (strategy) {
    case "exact":
      if (fit.table.limited.length === 0 && input.maxDrop !== undefined && input.evaluator) {
        return finish(await smallestWithinDrop(fit, loss, input.evaluator, input.maxDrop, onProgress, signal));
      }
      return finish(solved.bits);
    case "sigmaquant": {
      const { evaluator } = input;
      if (evaluator === undefined) {
        notes.push("The two-phase search needs to run the model; the exact solver decided over the estimates");
        return finish(solved.bits);
      }
      const found = await searchTwoPhase(
        {
          table: fit.table,
          sigma: (layer) => input.statistics.get(layer)?.sigma ?? 0,
          sensitivity: loss,
          measured: input.measured,
          ...(evaluator.float.agreement !== undefined && { samples: evaluator.samples }),
          ...(input.maxDrop !== undefined && { maxDrop: input.maxDrop }),
          ...(fit.table.limited.length > 0 && { optimum: solved.bits }),
          evaluate: async (bits, s) => {
            const mix = await evaluator.evaluate(bits, s);
            return { drop: searchDrop(evaluator.float, mix), harm: mix.kl ?? mix.nmse };
          },
          probe: async (bits, s) => {
            onProgress({ stage: "Searching", done: usualSteps, total: usualSteps, note: "around the best mix" });
            const mix = await evaluator.evaluate(bits, s, undefined, probeSamples);
            return mix.kl ?? mix.nmse;
          },
        },
        (step) => onProgress({ stage: "Searching", done: step.step, total: usualSteps, note: step.zone }),
        signal,
      );
      return finish(found.bits, found.trace);
    }
    default:
      return assertNever(strategy as never);
  }
}
