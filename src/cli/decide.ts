import { existsSync } from "node:fs";
import path from "node:path";
import type { Dataset } from "../core/data/dataset.ts";
import { SigmaQuantError } from "../core/errors.ts";
import { resourceUnits } from "../core/hardware/budgets.ts";
import { type Bits, type Budgets, type HardwareProfile, resources } from "../core/hardware/profile.ts";
import { type Decided, decidePlan } from "../core/pipeline/decidePlan.ts";
import { DeviceFit } from "../core/pipeline/deviceFit.ts";
import type { RunSettings } from "../core/pipeline/settings.ts";
import { formatAmount, formatSensitivity, resourceName } from "../core/plan/format.ts";
import { candidateWeights } from "../core/recovery/planWeights.ts";
import { sourceHash } from "../node/files.ts";
import { openDataset } from "../node/openData.ts";
import { openSamples } from "../node/openSamples.ts";
import { type LoadedProfile, loadProfile } from "../node/profiles.ts";
import { definiteThreads } from "../node/threads.ts";
import type { CommandContext } from "./context.ts";
import { mixNote } from "./mixNote.ts";
import { type OpenedModel, openPrepared } from "./openModel.ts";
import { checkOutputs } from "./outputs.ts";
import { inQueue } from "./queueOption.ts";
import {
  type DecisionOptions,
  limitsOf,
  missingBits,
  noPins,
  type RunOptions,
  replacedPins,
  requireKnown,
  settingsOf,
} from "./runOptions.ts";

/** Everything a deciding command has open while its body runs. */
export interface Run {
  readonly model: OpenedModel;
  readonly profile: LoadedProfile;
  readonly calibration: Dataset;
  readonly evaluation?: Dataset;
  readonly decided: Decided;
  readonly notes: readonly string[];
}

/** The samples that an editor takes by itself. */
const besideModel = "calibration.npz";

/** Where a deciding command writes. */
export interface Outputs {
  /** The plan, which names model and profile from where it lies. */
  readonly plan: string;
  readonly others: readonly string[];
}

/** Opens model, profile and data, decides a plan and hands all of it to `body`; closes it afterwards. */
export async function withDecision<T>(
  modelPath: string,
  options: RunOptions & { readonly queue?: string },
  outputs: Outputs,
  context: CommandContext,
  body: (run: Run) => Promise<T>,
): Promise<T> {
  const { signal, onProgress, log } = context;
  // The command line first: a slip in it should not cost a minute of analysis.
  const profile = await loadProfile(options.profile, signal);
  const threads = definiteThreads(options.threads);
  const given = { ...(await settingsOf(profile.profile, options)), threads };
  // A person's own decisions are not lost with the plan that holds them.
  const kept = options.pins === undefined ? await replacedPins(outputs.plan) : new Map<string, Bits | null>();
  const settings = kept.size > 0 ? { ...given, pins: kept } : given;
  const limits = limitsOf(profile.profile, options);
  const missing = missingBits(profile.profile, options.bits);
  logSettings(profile.profile, limits, settings, log);
  const { recovery, batch } = settings;
  const model = await openPrepared(modelPath, options, context, { equalize: recovery.has("equalize") });
  const closing: (() => Promise<void>)[] = [model.close];
  try {
    const { calibration: calibrationPath, evaluation: evaluationPath } = options;
    const pins = kept.size > 0 ? outputs.plan : options.pins;
    const profilePath = isPreset(profile.id) ? undefined : profile.file;
    const inputs = [modelPath, profilePath, calibrationPath, evaluationPath];
    await checkOutputs([outputs.plan, ...outputs.others], inputs, signal);
    const { prepared, inference, compute } = model;
    requireKnown(unknownBudgets(model, profile.profile, limits, settings, pins), options, profile.profile);
    const calibration = await openSamples(calibrationPath, model.inputs, prepared.shapes, model.fixed, signal);
    closing.push(() => calibration.close());
    const evaluation =
      evaluationPath === undefined
        ? undefined
        : await openDataset(evaluationPath, model.inputs, { shapes: prepared.shapes, fixed: model.fixed }, signal);
    if (evaluation) closing.push(() => evaluation.close());
    logSamples("Calibration", calibration, log);
    if (evaluation) logSamples("Evaluation", evaluation, log);
    const running = { methods: recovery, calibration, batch, threads };
    const weights = await candidateWeights({ prepared, inference, compute, ...running }, onProgress, signal);
    const decided = await decidePlan(
      {
        prepared,
        modelName: fromPlan(outputs.plan, modelPath),
        modelHash: await sourceHash(model.file.source, signal),
        profile: profile.profile,
        profileRef: isPreset(profile.id) ? profile.id : fromPlan(outputs.plan, profile.file),
        limits,
        settings,
        weights,
        calibration,
        ...(evaluation && { evaluation }),
        inference,
        compute,
        ...inQueue(options.queue, model.file, options, running, context),
      },
      onProgress,
      signal,
    );
    logDecision(decided, log);
    const notes = [
      ...(kept.size > 0 ? [pinsKept(outputs.plan, kept)] : []),
      ...profile.problems.map(({ message, line }) => `${profile.file}, line ${line}: ${message}`),
      ...(missing.length > 0 ? [`${profile.profile.name} has no weights of ${missing.join(" or ")} bits`] : []),
      ...aimless(limits, settings),
      ...(decided.plan.layers.every((layer) => layer.weightBits === null)
        ? ["No layer can be quantized: all stay in float, and the model is as it was"]
        : []),
      // Of made-up samples the assumption below says the same.
      ...decided.notes.filter((note) => !calibration.synthetic || !calibration.notes.includes(note)),
      ...(settings.mixActivations ? [] : mixNote(decided)),
      ...assumptions(options, calibration, evaluation),
      ...(calibration.synthetic && existsSync(path.join(path.dirname(modelPath), besideModel))
        ? [`${besideModel} lies beside the model: --calibration takes it`]
        : []),
    ];
    return await body({ model, profile, calibration, ...(evaluation && { evaluation }), decided, notes });
  } finally {
    for (const close of closing) await close();
  }
}

function pinsKept(plan: string, pins: ReadonlyMap<string, Bits | null>): string {
  const list = [...pins].map(([name, bits]) => `${name} ${bits === null ? "float" : `${bits} bits`}`).join(", ");
  return `Pins of ${path.basename(plan)} are kept (${list}); --pins ${noPins} lets them go`;
}

/** Budgets that the device's figures can't tell the use of; wrong pins are found here too, with the plan's name. */
function unknownBudgets(
  { prepared }: OpenedModel,
  profile: HardwareProfile,
  limits: Budgets,
  { bits: candidates, pins, weightsOnly }: RunSettings,
  pinsFile: string | undefined,
): DeviceFit["table"]["unknown"] {
  try {
    return new DeviceFit({ prepared, profile, limits, pins, weightsOnly, ...(candidates && { candidates }) }).table
      .unknown;
  } catch (error) {
    if (!(error instanceof SigmaQuantError) || pinsFile === undefined || error.place.file !== undefined) throw error;
    const { code, slug, message, remedy, place } = error;
    throw new SigmaQuantError(code, slug, message, { remedy, place: { ...place, file: pinsFile }, cause: error });
  }
}

function logSettings(
  profile: HardwareProfile,
  limits: Budgets,
  settings: RunSettings,
  log: CommandContext["log"],
): void {
  const { strategy, bits, dropLimit, pins } = settings;
  log(`Device ${profile.name}: weights of ${(bits ?? profile.weightBits).join(", ")} bits; strategy ${strategy}`);
  const texts = resources.flatMap((name) => {
    const limit = limits[name];
    return limit === undefined ? [] : [`${resourceName(name)} ${formatAmount(resourceUnits[name], limit)}`];
  });
  log(`Budgets: ${texts.join(", ") || "none"}`);
  if (dropLimit)
    log(`Accepted loss: ${"points" in dropLimit ? `${dropLimit.points} points` : `${dropLimit.percent} %`}`);
  if (pins.size > 0) log(`Pinned: ${[...pins].map(([name, b]) => `${name} ${b ?? "float"}`).join(", ")}`);
}

function logSamples(name: string, set: Dataset, log: CommandContext["log"]): void {
  const kind = set.synthetic ? "made-up samples" : "samples";
  log(`${name}: ${set.samples} ${kind}, ${set.hasLabels ? "with" : "without"} labels`);
}

function logDecision({ plan, activations, table, proposal }: Decided, log: CommandContext["log"]): void {
  if (table) log(`Sensitivities: ${table.metric} on ${table.samples} samples`);
  log(
    plan.activations.quantized
      ? `Activations: ${activations.size} values, ranges by ${plan.activations.range}`
      : "Activations stay in float",
  );
  const kept = proposal.trace.filter((step) => step.kept).length;
  if (proposal.trace.length > 0) log(`Search: ${proposal.trace.length} steps, ${kept} of them kept`);
  const { certificate } = proposal;
  if (certificate) {
    const { loss, optimum, gap } = certificate;
    log(`Total sensitivity ${formatSensitivity(loss)}, optimum ${formatSensitivity(optimum)}, gap ${gap}`);
  }
}

/** Without any target the widest bits are the best, which is hardly what was wanted. */
export function aimless(limits: Budgets, { strategy, dropLimit }: RunSettings): readonly string[] {
  if (strategy.startsWith("uniform:") || dropLimit !== undefined || Object.keys(limits).length > 0) return [];
  return [
    "Neither a budget nor an accepted loss is set, so that nothing asks for fewer bits: set one, such as --weight-memory 32KiB or --max-drop 1%",
  ];
}

const presetPrefix = "preset:";
const isPreset = (id: string) => id.startsWith(presetPrefix);

/** A file as a plan names it: from the plan's folder, with forward slashes on every platform. */
function fromPlan(plan: string, file: string): string {
  return path.relative(path.dirname(path.resolve(plan)), path.resolve(file)).replaceAll(path.sep, "/");
}

/** What the samples that were given, or not, mean for the figures. */
export function assumptions(
  options: DecisionOptions,
  calibration: Dataset,
  evaluation: Dataset | undefined,
): readonly string[] {
  if (calibration.synthetic) {
    return [
      "No calibration set: sensitivities are estimated on synthetic samples (~). They rank layers but do not predict accuracy",
    ];
  }
  if (evaluation === undefined) {
    return [
      `Accuracy is that on the calibration set ${options.calibration}; give --evaluation for one that nothing was tuned on`,
    ];
  }
  return [...evaluation.notes];
}
