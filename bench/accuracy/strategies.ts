import { clusterCount, sigmaClusters } from "../../src/core/allocate/sigmaClusters.ts";
import { uniformBits } from "../../src/core/allocate/uniform.ts";
import { assertNever } from "../../src/core/errors.ts";
import type { Bits, HardwareProfile } from "../../src/core/hardware/profile.ts";
import { DeviceFit } from "../../src/core/pipeline/deviceFit.ts";
import { type LossOf, lossOf, weightLosses } from "../../src/core/pipeline/loss.ts";
import type { BitsByLayer, MixEvaluator } from "../../src/core/pipeline/mix.ts";
import type { PreparedModel } from "../../src/core/pipeline/prepare.ts";
import { type Proposal, propose } from "../../src/core/pipeline/propose.ts";
import type { WeightStatistics } from "../../src/core/sensitivity/types.ts";
import type { StrategyName } from "./options.ts";

/** The penalty of the first round of phase 1, as twoPhase.ts has it. */
const firstLambda = 0.1;

export interface StrategyInput {
  readonly prepared: PreparedModel;
  readonly profile: HardwareProfile;
  readonly candidates: readonly Bits[];
  readonly weightsOnly: boolean;
  readonly statistics: ReadonlyMap<string, WeightStatistics>;
  /** Measured. */
  readonly loss: LossOf;
  /** On calibration samples. */
  readonly search: MixEvaluator;
}

/** Weight memory of uniform bits; of 3.5 bits: half-way between those of 3 and 4. */
export function memoryOf(input: StrategyInput, bits: number): number {
  const fit = fitOf(input, undefined);
  const at = (b: number) => fit.weightMemory(uniformBits(fit.table, b as Bits));
  const [low, high] = [Math.floor(bits), Math.ceil(bits)];
  return Math.floor(at(low) + (bits - low) * (at(high) - at(low)));
}

/** Bits of a strategy within a weight memory; undefined where there are none (uniform fractions). */
export async function bitsWithin(
  name: StrategyName,
  input: StrategyInput,
  memory: number,
  uniform: number,
): Promise<BitsByLayer | undefined> {
  const fit = fitOf(input, memory);
  const proposed = async (strategy: "exact" | "sigmaquant", loss: LossOf) => {
    const { statistics, search } = input;
    return propose({ fit, strategy, statistics, loss, measured: true, evaluator: search }, () => {});
  };
  switch (name) {
    case "uniform":
      return Number.isInteger(uniform) ? uniformBits(fit.table, uniform as Bits) : undefined;
    case "sigma":
      return sigmaWithin(input, fit, memory);
    case "kl":
      return (await proposed("exact", lossOf(weightLosses(input.statistics)))).bits;
    case "exact":
      return (await proposed("exact", input.loss)).bits;
    case "phase-1":
      return afterPhaseOne(fit, await proposed("sigmaquant", input.loss));
    case "two-phase":
      return (await proposed("sigmaquant", input.loss)).bits;
    default:
      return assertNever(name);
  }
}

function fitOf({ prepared, profile, candidates, weightsOnly }: StrategyInput, memory: number | undefined): DeviceFit {
  const limits = memory === undefined ? {} : { weightMemory: memory };
  return new DeviceFit({ prepared, profile, limits, candidates, weightsOnly });
}

/**
 * The paper's clusters of sigma, mapped in their order to bits: of all such maps the one that fills the memory best. Maps that give
 * all clusters the same bits are uniform bits, and count only where nothing else fits.
 */
function sigmaWithin(
  { statistics, candidates }: StrategyInput,
  fit: DeviceFit,
  memory: number,
): BitsByLayer | undefined {
  const layers = fit.table.groups.flatMap((group) => group.layers);
  const clusters = sigmaClusters(
    layers.map((layer) => statistics.get(layer)?.sigma ?? 0),
    clusterCount,
    firstLambda,
  );
  const count = 1 + Math.max(0, ...clusters);
  let best: { readonly bits: BitsByLayer; readonly rank: number } | undefined;
  for (const map of ascending(candidates, count)) {
    const bits = new Map<string, Bits | null>(layers.map((layer, i) => [layer, map[clusters[i] as number] as Bits]));
    const used = fit.weightMemory(bits);
    const rank = new Set(map).size > 1 ? used : used / memory;
    if (used <= memory && rank > (best?.rank ?? 0)) best = { bits, rank };
  }
  return best?.bits;
}

/** Where phase 1 of a search ended, within the memory or not. */
function afterPhaseOne(fit: DeviceFit, { trace }: Proposal): BitsByLayer {
  const bits = new Map(uniformBits(fit.table, 8));
  for (const { phase, kept, changes } of trace) {
    if (phase === 1 && kept) for (const { layer, to } of changes) bits.set(layer, to);
  }
  return bits;
}

/** All lists of `count` bits that do not fall. */
function ascending(candidates: readonly Bits[], count: number): Bits[][] {
  if (count === 0) return [[]];
  return ascending(candidates, count - 1).flatMap((list) =>
    candidates.filter((bits) => bits >= (list.at(-1) ?? 0)).map((bits) => [...list, bits]),
  );
}
