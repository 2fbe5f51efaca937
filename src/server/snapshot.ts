import { accuracyBuffer } from "../core/allocate/zones.ts";
import { allowedBits } from "../core/hardware/allowedBits.ts";
import { allBits } from "../core/hardware/bitPairs.ts";
import { layerCost } from "../core/hardware/cost.ts";
import { type ActivationBits, type Bits, resources } from "../core/hardware/profile.ts";
import { quantizableSites } from "../core/model/discover.ts";
import type { Layer } from "../core/model/layer.ts";
import { elementTypeName } from "../core/onnx/elementTypes.ts";
import type { Choice, EditorSnapshot, GaugeBudget, LayerRow, ModelFacts, SampleSet } from "../protocol/editor.ts";
import type { Displayed } from "./displayed.ts";
import { measuredTable } from "./losses.ts";
import { noticesOf } from "./notices.ts";
import type { ActiveSamples, SessionState } from "./sessionState.ts";

/** What the snapshot takes from around the session. */
export interface SnapshotContext {
  readonly trusted: boolean;
  readonly profiles: readonly Choice[];
  readonly sampleSets: readonly Choice[];
  /** Bitwidths that are always looked at, whatever the device. */
  readonly bits: readonly Bits[];
  readonly strategy: EditorSnapshot["strategy"];
  readonly maxDrop?: number;
  readonly now: number;
}

/** Everything the page shows, made anew from the session's state. */
export function snapshotOf(
  sequence: number,
  state: SessionState,
  displayed: Displayed | undefined,
  context: SnapshotContext,
): EditorSnapshot {
  const table = measuredTable(state);
  const synthetic = table.synthetic && state.measurements.size > 0;
  const metric = state.measurements.size > 0 ? table.metric : undefined;
  const { profile } = state;
  return {
    sequence,
    fileName: state.fileName,
    ...(state.fatal && { fatal: state.fatal }),
    trusted: context.trusted,
    ...(state.facts && { model: factsOf(state) }),
    profiles: context.profiles,
    ...(profile && {
      profile: {
        id: profile.id,
        name: profile.profile.name,
        weightBits: profile.profile.weightBits,
        ...(context.maxDrop !== undefined && { maxDrop: context.maxDrop }),
      },
    }),
    sampleSets: context.sampleSets,
    ...(state.calibration?.facts && { calibration: setOf(state.calibration) }),
    ...(state.evaluation?.facts && { evaluation: setOf(state.evaluation) }),
    strategy: context.strategy,
    ...(context.maxDrop !== undefined && { maxDrop: context.maxDrop }),
    bits: slotsOf(state, context.bits),
    ...(metric && { metric }),
    synthetic,
    ...(state.work && { work: state.work }),
    notices: noticesOf(state, context),
    ...(displayed && { verdict: displayed.verdict }),
    remedies: displayed?.remedies ?? [],
    budgets: displayed ? gauges(state, displayed) : [],
    ...(displayed?.accuracy && { accuracy: displayed.accuracy }),
    layers: state.layers.map((layer) => layerRow(state, layer, displayed, table.byLayer[layer.name])),
    ...(displayed?.pareto && { pareto: displayed.pareto }),
    trace: state.decided?.result.plan.trace ?? [],
    ...(state.decided && { traceSeconds: state.decided.seconds }),
    // The search was for the decided plan's strategy; others have no zones.
    ...(context.maxDrop !== undefined &&
      state.decided?.result.plan.strategy === "sigmaquant" && { abandonDrop: context.maxDrop + accuracyBuffer }),
    ...(displayed?.certificate && { certificate: displayed.certificate }),
    ...(state.comparison && { comparison: state.comparison }),
    hasPlan: state.plan !== undefined,
  };
}

/** Bitwidths of the sensitivity cells: those looked at, and all that the device has. */
export function slotsOf(state: SessionState, usual: readonly Bits[]): readonly Bits[] {
  const own = state.profile?.profile.weightBits ?? [];
  return allBits.filter((bits) => usual.includes(bits) || own.includes(bits));
}

function factsOf(state: SessionState): ModelFacts {
  const { opset, irVersion, producer, layers, params, macs, floatBytes } = state.facts as NonNullable<
    SessionState["facts"]
  >;
  const sites = state.prepared ? quantizableSites(state.prepared.discovery) : [];
  const largest = sites.toSorted((a, b) => b.layer.params - a.layer.params)[0];
  return {
    opset,
    irVersion,
    ...(producer !== "" && { producer }),
    layers,
    params,
    ...(macs !== undefined && { macs }),
    floatBytes,
    floatType: largest ? elementTypeName(largest.chain.tensor.dataType) : "float32",
    assumed: state.prepared?.assumed ?? [],
    notes: state.prepared?.notes ?? [],
  };
}

function setOf({ path, facts }: ActiveSamples): SampleSet {
  const { samples = 0, hasLabels = false, synthetic = false } = facts ?? {};
  const label = path === undefined ? "Synthetic samples" : (path.split(/[\\/]/).at(-1) ?? path);
  return { id: path ?? "synthetic", label, samples, hasLabels, synthetic };
}

function gauges(state: SessionState, { budgets }: Displayed): readonly GaugeBudget[] {
  const limits = state.profile?.limits ?? {};
  return resources.flatMap((name) => {
    const budget = budgets.find((b) => b.name === name);
    if (budget === undefined) return [];
    const profileLimit = limits[name];
    return [{ ...budget, ...(profileLimit !== undefined && { profileLimit }) }];
  });
}

/** What is known of a layer: a row of the table. @param sensitivity as measured */
export function layerRow(
  state: SessionState,
  layer: Layer,
  displayed: Displayed | undefined,
  sensitivity: LayerRow["sensitivity"],
): LayerRow {
  const statistics = state.statistics.get(layer.name);
  const row = displayed?.rows.get(layer.name);
  const profile = state.profile?.profile;
  const allowed = profile ? allowedBits(layer, profile) : [];
  const was = displayed?.was.get(layer.name);
  const activationBits = displayed?.activationBits ?? null;
  return {
    name: layer.name,
    opType: layer.opType,
    weightShape: layer.weightShape,
    params: layer.params,
    ...(layer.macs !== undefined && { macs: layer.macs }),
    ...(statistics && { sigma: statistics.sigma, weightErrors: statistics.errors }),
    ...(sensitivity && { sensitivity }),
    ...(row && {
      weightBits: row.weightBits,
      activationBits: row.activationBits,
      bytes: row.bytes,
      ...(row.latencyS !== undefined && { latencyS: row.latencyS }),
      ...(row.energyJ !== undefined && { energyJ: row.energyJ }),
      ...(row.bops !== undefined && { bops: row.bops }),
    }),
    pinned: displayed?.pinned.has(layer.name) ?? false,
    allowedBits: allowed,
    ...(was !== undefined && { wasBits: was }),
    ...(profile && allowed.length > 0 && { bytesByBits: bytesByBits(layer, allowed, activationBits, profile) }),
    ...(row?.floatReason !== undefined
      ? { floatReason: row.floatReason }
      : layer.floatReason !== undefined && { floatReason: layer.floatReason }),
    ...(layer.floatDetail !== undefined && { floatDetail: layer.floatDetail }),
    ...(state.stale?.layers.has(layer.name) && { outdated: true }),
  };
}

function bytesByBits(
  layer: Layer,
  allowed: readonly Bits[],
  activationBits: ActivationBits | null,
  profile: NonNullable<SessionState["profile"]>["profile"],
): Readonly<Partial<Record<Bits, number>>> {
  return Object.fromEntries(
    allowed.map((bits) => [bits, layerCost(layer, bits, activationBits, profile).weightMemory]),
  );
}
