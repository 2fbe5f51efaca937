import { SigmaQuantError } from "../../core/errors.ts";
import type { DeviceFit } from "../../core/pipeline/deviceFit.ts";
import { expectedFigures } from "../../core/pipeline/expectedFigures.ts";
import type { DeviceFigures } from "../../core/plan/deviceFigures.ts";
import type { Baseline } from "../../core/plan/types.ts";
import type { DecideJob, ModelSource } from "../../engine/jobs.ts";
import type { ServerSettings } from "../../protocol/requests.ts";
import { decideJob, decisionKey } from "../decideJob.ts";
import { activationBitsInForce, dropLimitInForce, fitWith, pinsInForce } from "../inForce.ts";
import { cachedFit } from "../language/fitCache.ts";
import { type Losses, lossesOf } from "../losses.ts";
import type { ActiveProfile, SessionState } from "../sessionState.ts";
import { solveSoon } from "../solveSoon.ts";
import type { DeviceRun } from "./runCache.ts";

/** A model on one of the devices: what is asked of the engine for it, and what follows from what is known. */
export interface LaidOut {
  readonly device: ActiveProfile;
  readonly fit: DeviceFit;
  readonly job: DecideJob;
  /** Equal for two runs that would come out the same. */
  readonly key: string;
  /** Undefined while nothing is known of the layers' harm. */
  readonly losses: Losses | undefined;
  readonly state: SessionState;
  readonly notes: readonly string[];
}

/**
 * Lays a model on a device.
 * @param state of the model, whatever its own device
 * @throws SigmaQuantError where no bits suit layers that share them (SQ5204)
 */
export function layOut(
  state: SessionState,
  device: ActiveProfile,
  settings: ServerSettings,
  source: ModelSource,
): LaidOut | undefined {
  const { prepared } = state;
  if (!prepared || state.modelHash === undefined) return undefined;
  // What is decided for another device, and what is tried on it, says nothing of this one.
  const { decided: _, plan, ...rest } = state;
  const bare: SessionState = { ...rest, profile: device, whatIf: new Map() };
  const own: SessionState = plan ? { ...bare, plan } : bare;
  const pinned = pinsInForce(own);
  try {
    const given = [pinned, activationBitsInForce(own, device.profile)];
    const fit = cachedFit(prepared, device.profile, given, () => fitWith(own, prepared, device.profile, pinned));
    return laidOut(own, device, fit, settings, source, []);
  } catch (error) {
    if (!(error instanceof SigmaQuantError) || pinned.size === 0) throw error;
    // A pin to bits that the device lacks: all are left out, which is said.
    const fit = fitWith(bare, prepared, device.profile, new Map());
    return laidOut(bare, device, fit, settings, source, [`The plan's pins are left out: ${error.message}`]);
  }
}

function laidOut(
  state: SessionState,
  device: ActiveProfile,
  fit: DeviceFit,
  settings: ServerSettings,
  source: ModelSource,
  notes: readonly string[],
): LaidOut {
  const job = decideJob(state, settings, source);
  const losses = lossesOf({ ...state, fit });
  return { device, fit, job, key: decisionKey(state, job), losses, state, notes };
}

/** What is expected of the model there: the solver's bits, their costs, and the accuracy that runs on other devices tell. */
export function expectedOn({ fit, losses, state }: LaidOut, runs: readonly DeviceRun[]): DeviceFigures | undefined {
  if (!losses) return undefined;
  const dropLimit = dropLimitInForce(state);
  return expectedFigures({
    fit,
    loss: losses.loss,
    solved: solveSoon(fit, losses.loss),
    baselines: distinct(runs.flatMap(({ baselines }) => baselines)),
    plans: runs.flatMap(({ figures: { loss, accuracy } }) =>
      loss === undefined || !accuracy ? [] : [{ certificate: { loss, optimum: loss, bound: loss, gap: 0 }, accuracy }],
    ),
    ...(dropLimit && { dropLimit }),
  });
}

/** Of baselines that several runs have, one each: the same harm is the same bits. */
function distinct(baselines: readonly Baseline[]): readonly Baseline[] {
  return [...new Map(baselines.map((baseline) => [`${baseline.bits} ${baseline.loss}`, baseline])).values()];
}
