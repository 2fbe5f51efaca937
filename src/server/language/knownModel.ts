import type { Layer } from "../../core/model/layer.ts";
import type { DeviceFit } from "../../core/pipeline/deviceFit.ts";
import { lossOf } from "../../core/pipeline/loss.ts";
import type { PreparedModel } from "../../core/pipeline/prepare.ts";
import type { Plan } from "../../core/plan/types.ts";
import { type Losses, lossesOf } from "../losses.ts";
import { type ActivePlan, newState, type SessionState } from "../sessionState.ts";
import type { LanguageSession } from "./host.ts";
import type { ReadModel } from "./modelFiles.ts";

/** A model that figures can be given for: open in an editor, or known by its file and a plan. */
export interface KnownModel {
  readonly uri: string;
  readonly path: string;
  readonly fileName: string;
  /** Whether its editor is open. */
  readonly open: boolean;
  readonly prepared: PreparedModel;
  readonly state: SessionState;
  /** Harm of each layer by bits; undefined while nothing is known of it. */
  readonly losses: (fit: DeviceFit) => Losses | undefined;
  /** Changes whenever something above does: parts to be compared one by one. */
  readonly revision: readonly unknown[];
}

/** An open model; undefined before its layers are known with their sizes. @param plan one whose figures stand in for those not measured yet */
export function knownFromSession(session: LanguageSession, plan?: ActivePlan): KnownModel | undefined {
  const { uri, path, state } = session;
  const { prepared } = state;
  if (!prepared) return undefined;
  const own = plan ? { ...state, plan } : state;
  let measured = 0;
  for (const row of state.measurements.values()) measured += row.size;
  return {
    uri,
    path,
    fileName: state.fileName,
    open: true,
    prepared,
    state: own,
    losses: (fit) => lossesOf({ ...own, fit }) ?? planLosses(plan?.plan, fit),
    revision: [
      prepared,
      state.modelHash,
      state.statistics,
      state.statistics.size,
      state.measurements,
      measured,
      state.measuredSamples,
      state.calibration?.facts,
      state.decided,
      state.choices,
      own.plan?.text,
    ],
  };
}

/** A model that is not open, by its file and a plan for it: nothing is run, the plan's figures are taken. */
export function knownFromPlan(uri: string, path: string, read: ReadModel, plan: ActivePlan): KnownModel {
  const { modelHash } = read;
  const rows = new Map(plan.plan.layers.map((layer) => [layer.name, layer]));
  const sameFile = modelHash === undefined || modelHash === plan.plan.modelHash;
  const withMacs = (layer: Layer): Layer => {
    const macs = sameFile ? rows.get(layer.name)?.macs : undefined;
    return layer.macs === undefined && macs !== undefined ? { ...layer, macs } : layer;
  };
  const { discovery } = read.prepared;
  const prepared = { ...read.prepared, discovery: { ...discovery, layers: discovery.layers.map(withMacs) } };
  const fileName = path.split(/[\\/]/).at(-1) ?? path;
  const state: SessionState = {
    ...newState(fileName, {}),
    layers: prepared.discovery.layers,
    prepared,
    ...(modelHash !== undefined && { modelHash }),
    plan,
  };
  for (const { name, sigma } of plan.plan.layers) {
    // Of the statistics only sigma is in a plan; errors by bitwidth are in its sensitivities.
    if (sigma !== undefined) state.statistics.set(name, { sigma, min: Number.NaN, max: Number.NaN, errors: [] });
  }
  return {
    uri,
    path,
    fileName,
    open: false,
    prepared,
    state,
    losses: (fit) => planLosses(plan.plan, fit),
    revision: [read.prepared, modelHash, plan.text],
  };
}

/** The sensitivities that a plan holds, if it has them for every layer that can be quantized. */
function planLosses(plan: Plan | undefined, fit: DeviceFit): Losses | undefined {
  if (!plan) return undefined;
  const rows = plan.layers.flatMap(({ name, sensitivity }) => (sensitivity ? [[name, sensitivity] as const] : []));
  const byLayer = Object.fromEntries(rows);
  const missing = fit.table.layers.some(
    ({ name, floatReason }) => floatReason === undefined && !Object.hasOwn(byLayer, name),
  );
  if (missing) return undefined;
  return { loss: lossOf(byLayer), byLayer, metric: plan.sensitivityMetric, synthetic: plan.synthetic };
}
