import type { HardwareProfile } from "../core/hardware/profile.ts";
import { defaultBatch, defaultCalibrationSamples, type RunSettings } from "../core/pipeline/settings.ts";
import type { DecideJob, ModelSource, SampleSource } from "../engine/jobs.ts";
import type { ServerSettings } from "../protocol/requests.ts";
import { activationBitsInForce, dropLimitInForce, limitsInForce, pinsInForce, strategyInForce } from "./inForce.ts";
import { noProfile } from "./planEdits.ts";
import type { ActiveSamples, SessionState } from "./sessionState.ts";

/** The engine's search for what is in force now. @throws SQ5302 without a profile */
export function decideJob(state: SessionState, settings: ServerSettings, model: ModelSource): DecideJob {
  const { profile, modelHash, decided, evaluation } = state;
  if (!profile || modelHash === undefined) throw noProfile();
  // Accuracies of uniform bitwidths depend on device and samples, not on budgets.
  const sameDevice = decided?.result.plan.profile === profile.ref ? decided.result : undefined;
  return {
    model,
    modelHash,
    profile: profile.profile,
    profileRef: profile.ref,
    limits: limitsInForce(state),
    settings: runSettings(state, settings, profile.profile),
    calibration: sampleSource(state.calibration),
    ...(evaluation && { evaluation: sampleSource(evaluation) }),
    known: state.measurements,
    ...queueOf(settings),
    ...(sameDevice && { baselines: sameDevice.baselines }),
  };
}

/** Equal for two decisions that would come out the same. */
export function decisionKey(state: SessionState, job: DecideJob): string {
  const { profile, limits, settings, modelHash, profileRef } = job;
  const { recovery, pins, activationBits = [], skipped = [] } = settings;
  const own = {
    ...settings,
    recovery: [...recovery],
    pins: [...pins],
    activationBits: [...activationBits],
    skipped: [...skipped],
  };
  const sets = [state.calibration?.facts?.hash, state.evaluation?.facts?.hash];
  return JSON.stringify([modelHash, profile, profileRef, limits, own, sets]);
}

export function sampleSource(set: ActiveSamples | undefined): SampleSource {
  if (set?.path === undefined) return {};
  const { path, facts } = set;
  return { path, ...(facts && { hash: facts.hash }) };
}

/** The queue whose workers measure; none where the setting is empty. */
export function queueOf({ queueUrl }: ServerSettings): { readonly queue?: string } {
  return queueUrl === "" ? {} : { queue: queueUrl };
}

/** Threads of ONNX Runtime; 0 in the settings leaves it the choice. */
export function threadsOf({ threads }: ServerSettings): { readonly threads?: number } {
  return threads > 0 ? { threads } : {};
}

function runSettings(state: SessionState, settings: ServerSettings, profile: HardwareProfile): RunSettings {
  const dropLimit = dropLimitInForce(state);
  const activationBits = activationBitsInForce(state, profile);
  return {
    strategy: strategyInForce(state, settings),
    ...(dropLimit && { dropLimit }),
    weightsOnly: false,
    ...(activationBits && { activationBits }),
    activationRange: "auto",
    sensitivitySamples: settings.samples,
    calibrationSamples: Math.max(settings.samples, defaultCalibrationSamples),
    batch: defaultBatch,
    ...threadsOf(settings),
    recovery: new Set(settings.recovery),
    pins: pinsInForce(state),
    ...(state.skipped.size > 0 && { skipped: state.skipped }),
  };
}
