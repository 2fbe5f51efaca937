import path from "node:path";
import { decideMatrix, type MatrixCell, type MatrixDevice } from "../core/pipeline/matrix.ts";
import type { OnProgress } from "../core/ports.ts";
import { candidateWeights } from "../core/recovery/planWeights.ts";
import { fileHash } from "../node/files.ts";
import { openDataset } from "../node/openData.ts";
import { openSamples } from "../node/openSamples.ts";
import { type LoadedProfile, loadProfile } from "../node/profiles.ts";
import type { CommandContext } from "./context.ts";
import { aimless, assumptions } from "./decide.ts";
import { openPrepared } from "./openModel.ts";
import { type DecisionOptions, limitsOf, missingBits, settingsOf } from "./runOptions.ts";

export interface MatrixOptions extends DecisionOptions {
  readonly profile: readonly string[];
  readonly quick?: boolean;
  readonly csv?: string;
}

/** One model on the devices. */
export interface ModelCells {
  readonly model: string;
  readonly cells: readonly MatrixCell[];
  /** Of all its devices. */
  readonly notes: readonly string[];
}

/** The devices of a command line, each once. @throws SigmaQuantError for a profile that can't be read, or has none of the bits asked for */
export async function devicesOf(
  options: MatrixOptions,
  { signal }: CommandContext,
): Promise<{ readonly devices: readonly MatrixDevice[]; readonly notes: readonly string[] }> {
  const loaded = new Map<string, LoadedProfile>();
  for (const name of options.profile) {
    const profile = await loadProfile(name, signal);
    loaded.set(isPreset(profile.id) ? profile.id : path.resolve(profile.file), profile);
  }
  const devices: MatrixDevice[] = [];
  const notes: string[] = [];
  for (const { id, file, profile, problems } of loaded.values()) {
    const settings = await settingsOf(profile, options);
    const limits = limitsOf(profile, options);
    devices.push({ id, profile, limits, settings });
    const missing = missingBits(profile, options.bits);
    notes.push(
      ...problems.map(({ message, line }) => `${file}, line ${line}: ${message}`),
      ...(missing.length > 0 ? [`${profile.name} has no weights of ${missing.join(" or ")} bits`] : []),
      ...aimless(limits, settings).map((note) => `${profile.name}: ${note}`),
    );
  }
  return { devices, notes };
}

const isPreset = (id: string) => id.startsWith("preset:");

/** Opens a model with its samples and decides it for all devices. */
export async function compareModel(
  model: string,
  devices: readonly MatrixDevice[],
  options: MatrixOptions,
  context: CommandContext,
): Promise<ModelCells> {
  const { signal } = context;
  const { recovery, batch, threads, calibration: calibrationPath, evaluation: evaluationPath } = options;
  const opened = await openPrepared(model, options, context, { equalize: recovery.has("equalize") });
  const closing: (() => Promise<void>)[] = [opened.close];
  try {
    const { prepared, inference, compute, inputs, fixed } = opened;
    const { shapes } = prepared;
    const calibration = await openSamples(calibrationPath, inputs, shapes, fixed, signal);
    closing.push(() => calibration.close());
    const evaluation =
      evaluationPath === undefined ? undefined : await openDataset(evaluationPath, inputs, { shapes, fixed }, signal);
    if (evaluation) closing.push(() => evaluation.close());
    const weights = await candidateWeights(
      {
        prepared,
        methods: recovery,
        calibration,
        inference,
        compute,
        batch,
        ...(threads !== undefined && { threads }),
      },
      context.onProgress,
      signal,
    );
    const cells = await decideMatrix(
      {
        prepared,
        modelName: model,
        modelHash: await fileHash(model, signal),
        weights,
        calibration,
        ...(evaluation && { evaluation }),
        inference,
        compute,
        devices,
        accuracy: options.quick ? "expected" : "simulated",
        onCell: ({ device, figures, problem }) =>
          context.log(`${model} on ${device.profile.name}: ${figures?.verdict.headline ?? problem?.message}`),
      },
      context.onProgress,
      signal,
    );
    const made = calibration.synthetic ? calibration.notes : [];
    const notes = sharedNotes(cells).filter((note) => !made.includes(note));
    return { model, cells, notes: [...notes, ...assumptions(options, calibration, evaluation)] };
  } finally {
    for (const close of closing) await close();
  }
}

/** Each note once; one that is not true of all devices, with the names of those that it is true of. */
function sharedNotes(cells: readonly MatrixCell[]): readonly string[] {
  const about = new Map<string, string[]>();
  for (const { device, notes } of cells) {
    for (const note of new Set(notes)) about.set(note, [...(about.get(note) ?? []), device.profile.name]);
  }
  const all = cells.filter(({ problem }) => problem === undefined).length;
  return [...about].map(([note, devices]) => (devices.length === all ? note : `${devices.join(", ")}: ${note}`));
}

/** Progress with the model's name, where there are several. */
export function aboutModel(model: string, onProgress: OnProgress): OnProgress {
  const name = path.basename(model);
  return (progress) =>
    onProgress({ ...progress, note: progress.note === undefined ? name : `${name}, ${progress.note}` });
}
