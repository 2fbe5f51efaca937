import path from "node:path";
import type { Dataset } from "../core/data/dataset.ts";
import { CandidateWeights, roundToNearest } from "../core/pipeline/candidates.ts";
import { type Decided, decidePlan } from "../core/pipeline/decidePlan.ts";
import { fileHash } from "../node/files.ts";
import { openDataset } from "../node/openData.ts";
import { openSamples } from "../node/openSamples.ts";
import { type LoadedProfile, loadProfile } from "../node/profiles.ts";
import type { CommandContext } from "./context.ts";
import { type OpenedModel, openPrepared } from "./openModel.ts";
import { limitsOf, type RunOptions, settingsOf } from "./runOptions.ts";

/** Everything a deciding command has open while its body runs. */
export interface Run {
  readonly model: OpenedModel;
  readonly profile: LoadedProfile;
  readonly weights: CandidateWeights;
  readonly calibration: Dataset;
  readonly evaluation?: Dataset;
  readonly decided: Decided;
  readonly notes: readonly string[];
}

/** Opens model, profile and data, decides a plan and hands all of it to `body`; closes it afterwards. */
export async function withDecision<T>(
  modelPath: string,
  options: RunOptions,
  context: CommandContext,
  body: (run: Run) => Promise<T>,
): Promise<T> {
  const { signal, onProgress } = context;
  // The profile first: a slip in it should not cost a minute of analysis.
  const profile = await loadProfile(options.profile);
  const settings = await settingsOf(profile.profile, options);
  const limits = limitsOf(profile.profile, options);
  const model = await openPrepared(modelPath, options, context);
  const closing: (() => Promise<void>)[] = [model.close];
  try {
    const { prepared, inputs, inference } = model;
    const calibration = await openSamples(options.calibration, inputs, prepared.shapes, signal);
    closing.push(() => calibration.close());
    const evaluation =
      options.evaluation === undefined ? undefined : await openDataset(options.evaluation, inputs, {}, signal);
    if (evaluation) closing.push(() => evaluation.close());
    const weights = new CandidateWeights(prepared, roundToNearest, signal);
    const decided = await decidePlan(
      {
        prepared,
        modelName: path.basename(modelPath),
        modelHash: await fileHash(modelPath, signal),
        profile: profile.profile,
        profileRef: profileRef(profile, modelPath),
        limits,
        settings,
        weights,
        calibration,
        ...(evaluation && { evaluation }),
        inference,
      },
      onProgress,
      signal,
    );
    const warnings = profile.problems.map(({ message, line }) => `${profile.file}, line ${line}: ${message}`);
    const notes = [...warnings, ...decided.notes, ...assumptions(options, calibration, evaluation)];
    return await body({ model, profile, weights, calibration, ...(evaluation && { evaluation }), decided, notes });
  } finally {
    for (const close of closing) await close();
  }
}

const presetPrefix = "preset:";
const isPreset = (id: string) => id.startsWith(presetPrefix);

/** Plans lie beside their model, and name the profile from there; forward slashes on every platform. */
function profileRef({ id, file }: LoadedProfile, modelPath: string): string {
  if (isPreset(id)) return id;
  return path.relative(path.dirname(path.resolve(modelPath)), path.resolve(file)).replaceAll(path.sep, "/");
}

function assumptions(options: RunOptions, calibration: Dataset, evaluation: Dataset | undefined): string[] {
  if (calibration.synthetic) {
    return [
      "No calibration set: sensitivities are estimated on synthetic samples (~). They rank layers but do not predict accuracy",
    ];
  }
  if (evaluation === undefined) {
    return [
      `Accuracy is measured on the calibration set ${options.calibration}; give --evaluation for one that nothing was tuned on`,
    ];
  }
  return [...evaluation.notes];
}
