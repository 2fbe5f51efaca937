import type { Compute } from "../compute/compute.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Bits, Budgets, HardwareProfile } from "../hardware/profile.ts";
import type { Baseline, Plan } from "../plan/types.ts";
import type { Inference, OnProgress } from "../ports.ts";
import type { ActivationQuantization } from "../qdq/types.ts";
import { type PlanWeights, planWeights, usableRecovery } from "../recovery/planWeights.ts";
import { unrecoveredWeights } from "../recovery/unrecovered.ts";
import type { SensitivityTable, WeightStatistics } from "../sensitivity/types.ts";
import { type ChosenActivations, chooseActivations } from "./activationRanges.ts";
import { analyzeWeights, fewerSamples, type MeasureSettings, measureLayers, unmeasurable } from "./analysis.ts";
import { onDevice } from "./blocks.ts";
import { type Calibration, calibrate } from "./calibrate.ts";
import type { CandidateWeights } from "./candidates.ts";
import { DeviceFit } from "./deviceFit.ts";
import { simulatedAccuracy } from "./drop.ts";
import { type LossOf, lossOf, weightLosses } from "./loss.ts";
import { MixEvaluator } from "./mix.ts";
import { type MixedActivations, mixActivations, withActivationBits } from "./mixedActivations.ts";
import { type PlanInput, planOf, uniformBaselines } from "./planOf.ts";
import { activationNames, type PreparedModel } from "./prepare.ts";
import { type Proposal, propose } from "./propose.ts";
import { maxDropFraction, type RunSettings } from "./settings.ts";
import { unreachedNote } from "./unreached.ts";
import { valueBits } from "./valueBits.ts";

export interface DecideInput {
  readonly prepared: PreparedModel;
  /** File name and hash of the model, and the profile as plans refer to it (a path, or `preset:<name>`). */
  readonly modelName: string;
  readonly modelHash: string;
  readonly profile: HardwareProfile;
  readonly profileRef: string;
  /** `budgetsOf(profile, overrides)`. */
  readonly limits: Budgets;
  readonly settings: RunSettings;
  /** `candidateWeights` by the settings' recovery. */
  readonly weights: CandidateWeights;
  readonly calibration: Dataset;
  /** Samples that nothing is tuned on; the calibration set stands in without it. */
  readonly evaluation?: Dataset;
  readonly inference: Inference;
  /** Where our own arithmetic is done; in place without it. */
  readonly compute?: Compute;
  /** Measurements from an earlier run, and where new ones are told. */
  readonly known?: MeasureSettings["known"];
  readonly onMeasured?: MeasureSettings["onMeasured"];
  readonly elsewhere?: MeasureSettings["elsewhere"];
  /** Uniform baselines of the same model, device and samples, from a run under other budgets. */
  readonly baselines?: readonly Baseline[];
}

/** A plan, and all that writing and reporting it needs. */
export interface Decided {
  readonly fit: DeviceFit;
  readonly proposal: Proposal;
  /** The plan with the accuracy that simulation gives; `withAccuracy` makes the one of a checked file. */
  readonly plan: Plan;
  readonly planInput: PlanInput;
  readonly baselines: readonly Baseline[];
  readonly activations: ReadonlyMap<string, ActivationQuantization>;
  readonly statistics: ReadonlyMap<string, WeightStatistics>;
  readonly table?: SensitivityTable;
  readonly notes: readonly string[];
  /** The weights of a plan, recovered for it. Takes a while for other bits than the proposal's. */
  readonly weightsFor: (
    bits: ReadonlyMap<string, Bits | null>,
    onProgress: OnProgress,
    signal?: AbortSignal,
  ) => Promise<PlanWeights>;
}

/** From a prepared model to a plan: weights, calibration, sensitivities, search, baselines. Writes nothing. */
export async function decidePlan(given: DecideInput, onProgress: OnProgress, signal?: AbortSignal): Promise<Decided> {
  const input = onDevice(given);
  const { prepared, profile, settings, weights, calibration, inference } = input;
  const { batch, threads } = settings;
  const running = { inference, batch, ...(threads !== undefined && { threads }) };
  const notes = [...prepared.notes, ...calibration.notes];
  const usual = new DeviceFit({
    prepared,
    profile,
    limits: input.limits,
    pins: settings.pins,
    ...(settings.skipped && { skipped: settings.skipped }),
    weightsOnly: settings.weightsOnly,
    ...(settings.bits && { candidates: settings.bits }),
  });
  const statistics = await analyzeWeights(
    prepared,
    weights,
    bitsInUse(usual),
    onProgress,
    signal,
    undefined,
    input.compute,
  );
  const usualActivations = await activationsOf(input, usual, onProgress, signal);
  const table = await sensitivitiesOf(input, usual, notes, onProgress, signal);
  const byLayer = table?.byLayer ?? weightLosses(statistics);
  const loss = lossOf(byLayer);
  const mixed = await mixedActivations(input, usual, usualActivations, loss, onProgress, signal);
  const { fit, activations } = mixed;
  notes.push(...mixed.notes);
  const hindrance = unmeasurable(prepared);

  const evaluators: MixEvaluator[] = [];
  const evaluatorOn = async (set: Dataset, samples: number, grids = activations): Promise<MixEvaluator | undefined> => {
    if (hindrance !== undefined) return undefined;
    const opening = { ...running, weights, activations: grids, samples };
    const opened = await MixEvaluator.open(prepared, set, opening, onProgress, signal);
    evaluators.push(opened);
    return opened;
  };
  try {
    const search = await evaluatorOn(calibration, settings.sensitivitySamples);
    const evaluation = input.evaluation ?? calibration;
    // The written file is judged on all samples, and is to be compared with the baselines.
    const sameSamples = evaluation === calibration && search?.samples === calibration.samples;
    const judge = sameSamples ? search : await evaluatorOn(evaluation, evaluation.samples);
    const limitFor = (float: number | undefined) =>
      settings.dropLimit === undefined ? undefined : maxDropFraction(settings.dropLimit, float ?? 1);
    const searchLimit = limitFor(search?.float.top1);
    const proposal = await propose(
      {
        fit,
        strategy: settings.strategy,
        statistics,
        loss,
        measured: table !== undefined,
        ...(searchLimit !== undefined && { maxDrop: searchLimit }),
        ...(search && { evaluator: search }),
      },
      onProgress,
      signal,
    );
    const recovery = { ...input, ...running, methods: settings.recovery };
    const own = await planWeights(recovery, weights, proposal.bits, activations, onProgress, signal);
    const weightsFor: Decided["weightsFor"] = async (bits, progress, abort) =>
      sameBits(bits, proposal.bits) ? own : planWeights(recovery, weights, bits, activations, progress, abort);
    const { synthetic } = evaluation;
    const methods = usableRecovery(settings.recovery, calibration);
    const rounded = methods.size > 0 ? unrecoveredWeights(prepared, signal) : undefined;
    const { baselines: known } = input;
    // Uniform bits are with the usual activations, whatever the plan's are.
    const uniform =
      fit === usual ? judge : await evaluatorOn(evaluation, evaluation.samples, usualActivations.activations);
    const baselines = await uniformBaselines(usual, loss, uniform, synthetic, onProgress, signal, known, rounded);
    const accuracy =
      judge &&
      simulatedAccuracy(
        judge.float,
        await judge.evaluate(proposal.bits, signal, own),
        judge.samples,
        evaluation.synthetic,
      );
    const maxDrop = limitFor(judge?.float.top1);
    const planInput: PlanInput = {
      fit,
      proposal,
      model: input.modelName,
      modelHash: input.modelHash,
      profile: input.profileRef,
      strategy: settings.strategy,
      activationRange: usualActivations.range,
      statistics,
      sensitivity: byLayer,
      metric: table?.metric ?? "weights",
      synthetic: table?.synthetic ?? false,
      ...(maxDrop !== undefined && { maxDrop }),
      ...(accuracy && { accuracy }),
    };
    notes.push(...proposal.notes);
    if (judge && methods.has("sequential")) notes.push(baselineNote);
    if (methods.size < settings.recovery.size) notes.push(noRecoveryNote);
    const plan = planOf(planInput);
    return {
      fit,
      proposal,
      plan,
      planInput,
      baselines,
      activations,
      statistics,
      ...(table && { table }),
      notes,
      weightsFor,
    };
  } finally {
    for (const evaluator of evaluators) await evaluator.close();
  }
}

/** What a comparison with the baselines leaves out. */
export const baselineNote =
  "Uniform bitwidths are recovered layer by layer; the plan is, beyond that, rounded in sequence, which takes a while for each";

const noRecoveryNote = "Weights are rounded to the nearest: recovery needs real samples";

function sameBits(a: ReadonlyMap<string, Bits | null>, b: ReadonlyMap<string, Bits | null>): boolean {
  const used = (bits: ReadonlyMap<string, Bits | null>) => [...bits].filter(([, own]) => own !== null);
  return used(a).length === used(b).length && used(a).every(([layer, own]) => b.get(layer) === own);
}

async function activationsOf(
  input: DecideInput,
  fit: DeviceFit,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<ChosenActivations & { readonly observed?: Calibration }> {
  const { prepared, settings, calibration, inference, weights } = input;
  if (fit.activationBits === null) return { range: "percentile", activations: new Map() };
  const float = new Set(fit.table.layers.map((l) => l.name).filter((name) => fit.table.fixed.get(name) === null));
  const names = activationNames(prepared, float);
  const { batch, threads, calibrationSamples: samples } = settings;
  const observed = await calibrate(
    prepared,
    calibration,
    inference,
    { samples, batch, ...(threads !== undefined && { threads }) },
    onProgress,
    signal,
  );
  // A model that can't be run in parts is calibrated as the paper does it.
  const choice =
    settings.activationRange === "auto" && unmeasurable(prepared) !== undefined
      ? "percentile"
      : settings.activationRange;
  const chosen = await chooseActivations(
    prepared,
    observed,
    names,
    fit.activationBits,
    choice,
    calibration,
    { inference, weights, batch, ...(threads !== undefined && { threads }) },
    onProgress,
    signal,
  );
  return { ...chosen, observed };
}

/** The usual activation bits, those of a plan, or those that are searched together with the weights' bits. */
async function mixedActivations(
  { settings, inference, prepared, calibration }: DecideInput,
  fit: DeviceFit,
  usual: Awaited<ReturnType<typeof activationsOf>>,
  loss: LossOf,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<MixedActivations> {
  const { observed } = usual;
  if (observed !== undefined && settings.activationBits) {
    return withActivationBits({ fit, ...usual, observed }, valueBits(prepared, settings.activationBits));
  }
  if (observed !== undefined && settings.mixActivations) {
    return mixActivations({ ...settings, fit, ...usual, observed, loss, calibration, inference }, onProgress, signal);
  }
  return { fit, activations: usual.activations, notes: [] };
}

async function sensitivitiesOf(
  input: DecideInput,
  fit: DeviceFit,
  notes: string[],
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<SensitivityTable | undefined> {
  const { prepared, settings, weights, calibration, inference, known, onMeasured, elsewhere } = input;
  const hindrance = unmeasurable(prepared);
  if (hindrance !== undefined) {
    notes.push(`Sensitivities are estimated from the weights alone: ${hindrance}`);
    return undefined;
  }
  const bits = measuredBits(fit);
  const { batch, threads, sensitivitySamples: samples } = settings;
  const { table } = await measureLayers(
    prepared,
    weights,
    calibration,
    {
      inference,
      samples,
      batch,
      bits: (layer) => bits.get(layer) ?? [],
      ...(threads !== undefined && { threads }),
      ...(known && { known }),
      ...(onMeasured && { onMeasured }),
      ...(elsewhere && { elsewhere }),
    },
    onProgress,
    signal,
  );
  notes.push(...fewerSamples(table, samples, calibration));
  const unreached = unreachedNote(prepared.discovery, table);
  if (unreached !== undefined) notes.push(unreached);
  return table;
}

/** Bits of each layer whose harm the search can ask for. */
function measuredBits(fit: DeviceFit): Map<string, readonly Bits[]> {
  const bits = new Map<string, readonly Bits[]>();
  for (const group of fit.table.groups) for (const layer of group.layers) bits.set(layer, group.bits);
  const { skipped } = fit.input;
  for (const [layer, pin] of fit.table.fixed) if (pin !== null && !skipped?.has(layer)) bits.set(layer, [pin]);
  return bits;
}

/** All bits of any layer, ascending, and 8, which the paper's KL is normalized by. */
function bitsInUse(fit: DeviceFit): readonly Bits[] {
  const used = new Set<Bits>([8]);
  for (const list of measuredBits(fit).values()) for (const bits of list) used.add(bits);
  return [...used].sort((a, b) => a - b);
}
