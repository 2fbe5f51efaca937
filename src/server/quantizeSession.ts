import { existsSync } from "node:fs";
import path from "node:path";
import type { Bits } from "../core/hardware/profile.ts";
import { activationMemory } from "../core/pipeline/prepare.ts";
import type { DecideJob, JobEvent } from "../engine/jobs.ts";
import type { EngineClient } from "../node/engineClient.ts";
import { removeLeftovers } from "../node/leftovers.ts";
import { profileSlug } from "../node/profileSlug.ts";
import { type OutputFiles, outputFiles } from "../node/quantizeToFiles.ts";
import type { QuantizeResult } from "../protocol/requests.ts";
import { comparisonOf } from "./comparison.ts";
import { decisionKey } from "./decideJob.ts";
import { isCurrent } from "./displayed.ts";
import { noProfile } from "./planEdits.ts";
import type { SessionState } from "./sessionState.ts";

export interface QuantizeSessionInput {
  readonly state: SessionState;
  readonly engine: EngineClient;
  readonly modelPath: string;
  readonly files: OutputFiles;
  readonly job: DecideJob;
  /** Bits of a plan that is in force, hand-edited perhaps; the strategy decides without it. */
  readonly planned: ReadonlyMap<string, Bits | null> | undefined;
  readonly maxDrop?: number;
}

/** Where a run writes, and which of it is there already. @throws SigmaQuantError SQ5302 without a device */
export function quantizeTargets(
  state: SessionState,
  modelPath: string,
): { readonly files: OutputFiles; readonly there: readonly string[] } {
  if (!state.profile) throw noProfile();
  const files = outputFiles(modelPath, undefined, profileSlug(state.profile.ref));
  // A plan that the run follows keeps its bits; any other is replaced as the other files are.
  const replaced = [files.model, files.report, files.csv, ...(isCurrent(state) ? [] : [files.plan])];
  return { files, there: replaced.filter((file) => existsSync(file)) };
}

/** Quantizes the model of a session to files; what is there already is replaced. */
export async function quantizeSession(
  { state, engine, modelPath, files, job, planned, maxDrop }: QuantizeSessionInput,
  onEvent: (event: JobEvent) => void,
  signal: AbortSignal,
): Promise<Extract<QuantizeResult, { kind: "done" }>> {
  const began = performance.now();
  const { model: output, plan, report, csv } = files;
  const order = { ...job, output, files: { plan, report, csv }, ...(planned && { planned }) };
  const outcome = await engine.run("quantize", order, onEvent, signal).catch(async (error: unknown) => {
    // A process that was ended, by a crash or at the end of our patience, leaves what it was at.
    await engine.gone();
    await removeLeftovers(path.dirname(output));
    throw error;
  });
  // The bits that the search chose; with a plan's own bits nothing was searched.
  if (!planned) {
    const { plan: decided, baselines, notes } = outcome;
    state.decided = {
      key: decisionKey(state, job),
      seconds: (performance.now() - began) / 1000,
      result: { plan: decided, baselines, notes },
    };
  }
  const { prepared, facts } = state;
  const peak = prepared && activationMemory(prepared, null);
  const comparison = await comparisonOf({
    model: modelPath,
    profileName: job.profile.name,
    files,
    outcome,
    floatWeightBytes: facts?.floatBytes ?? 0,
    ...(peak && peak.unknown.length === 0 && { floatActivationBytes: peak.peak }),
    seconds: (performance.now() - began) / 1000,
    ...(maxDrop !== undefined && { maxDrop }),
  });
  return { kind: "done", comparison, ...(outcome.written && { output: outcome.written.model }) };
}
