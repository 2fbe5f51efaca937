import type { Bits } from "../core/hardware/profile.ts";
import { type LossOf, lossOf, weightLosses } from "../core/pipeline/loss.ts";
import { sensitivityTable } from "../core/sensitivity/measured.ts";
import type { SensitivityMetric, SensitivityTable } from "../core/sensitivity/types.ts";
import type { SessionState } from "./sessionState.ts";

/** What harm is read from at the moment. */
export interface Losses {
  readonly loss: LossOf;
  readonly byLayer: SensitivityTable["byLayer"];
  readonly metric: SensitivityMetric | "weights";
  readonly synthetic: boolean;
}

/** The measured sensitivities as a table, complete or not. */
export function measuredTable(state: SessionState): SensitivityTable {
  const metric = state.prepared?.outputKind === "values" ? "nmse" : "kl";
  const synthetic = state.calibration?.facts?.synthetic ?? false;
  return sensitivityTable(state.measurements, metric, state.measuredSamples, synthetic);
}

/** Measured sensitivities where every layer has them at all its bits; else the estimates from the weights; else nothing. */
export function lossesOf(state: SessionState): Losses | undefined {
  const quantizable = state.layers.filter((layer) => layer.floatReason === undefined);
  const table = measuredTable(state);
  const allowed = (layer: string): readonly Bits[] => state.fit?.bitsOf(layer) ?? [];
  const complete =
    table.samples > 0 &&
    quantizable.every(({ name }) => {
      if (state.skipped.has(name)) return true;
      const row = table.byLayer[name];
      return row !== undefined && allowed(name).every((bits) => row[bits] !== undefined);
    });
  if (complete) {
    const { byLayer, metric, synthetic } = table;
    return { loss: lossOf(byLayer), byLayer, metric, synthetic };
  }
  if (!quantizable.every(({ name }) => state.statistics.has(name))) return undefined;
  const byLayer = weightLosses(state.statistics);
  return { loss: lossOf(byLayer), byLayer, metric: "weights", synthetic: false };
}
