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
  const sameFile = modelHash === undefined || modelHash === plan.plan.modelHash;
  const prepared = sameFile ? withMacs(read.prepared, plan.plan) : read.prepared;
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

/** What a plan says of MACs, which can't be known of a file without running it. The same object while that stays as it is. */
function withMacs(prepared: PreparedModel, { layers }: Plan): PreparedModel {
  const macs = new Map(
    layers.flatMap((layer) => (layer.macs === undefined ? [] : [[layer.name, layer.macs] as const])),
  );
  const key = JSON.stringify([...macs]);
  const known = filledIn.get(prepared);
  if (known?.key === key) return known.prepared;
  const { discovery } = prepared;
  const filled = discovery.layers.map((layer): Layer => {
    const counted = macs.get(layer.name);
    return layer.macs === undefined && counted !== undefined ? { ...layer, macs: counted } : layer;
  });
  const made = { ...prepared, discovery: { ...discovery, layers: filled } };
  filledIn.set(prepared, { key, prepared: made });
  return made;
}

const filledIn = new WeakMap<PreparedModel, { readonly key: string; readonly prepared: PreparedModel }>();

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
