import { layerCost } from "../../core/hardware/cost.ts";
import type { Bits } from "../../core/hardware/profile.ts";
import type { Layer } from "../../core/model/layer.ts";
import type { PlanLayer, SearchStep } from "../../core/plan/types.ts";
import type { JudgedPlan } from "./planContext.ts";

/** One of the bits that a layer may have, the rest of the plan as it is. */
export interface LayerChoice {
  readonly bits: Bits;
  readonly bytes: number;
  readonly sensitivity?: number;
  /** Change of the plan's whole loss, as a fraction of it; undefined where that is 0 or unknown. */
  readonly lossChange?: number;
  /** Expected loss of accuracy of the whole plan, a fraction; undefined where nothing was run that it could be told from. */
  readonly drop?: number;
}

/** Everything that is known of a layer in a plan. */
export interface LayerStory {
  readonly layer: Layer;
  readonly row: PlanLayer;
  readonly bytes: number;
  /** Of the plan's loss; undefined in float and where no harm is known. */
  readonly share?: number;
  /** At the bits that the layer may have, ascending. */
  readonly choices: readonly LayerChoice[];
}

export function layerStory(judged: JudgedPlan, name: string): LayerStory | undefined {
  const { model, assessment, layers } = judged;
  const layer = layers.get(name);
  const row = assessment.rows.get(name);
  if (!layer || !row) return undefined;
  const { losses, fit, device, expectDrop } = model;
  const { loss: total } = assessment;
  const now = losses && row.weightBits !== null ? Math.max(0, losses.loss(name, row.weightBits)) : 0;
  const choices = judged.choices(name).bits.map((bits): LayerChoice => {
    const { weightMemory } = layerCost(layer, bits, fit.activationBits, device.profile);
    const sensitivity = losses?.byLayer[name]?.[bits];
    if (!losses || total === undefined)
      return { bits, bytes: weightMemory, ...(sensitivity !== undefined && { sensitivity }) };
    const changed = total - now + Math.max(0, losses.loss(name, bits));
    return {
      bits,
      bytes: weightMemory,
      ...(sensitivity !== undefined && { sensitivity }),
      ...(total > 0 && { lossChange: changed / total - 1 }),
      ...(expectDrop && { drop: expectDrop(changed) }),
    };
  });
  const hasShare = losses && total !== undefined && total > 0 && row.weightBits !== null;
  return { layer, row, bytes: row.bytes, ...(hasShare && { share: now / total }), choices };
}

/** The last step of the search that changed a layer and was kept. */
export function lastStepOf(trace: readonly SearchStep[], name: string): SearchStep | undefined {
  return trace.findLast(({ kept, changes }) => kept && changes.some(({ layer }) => layer === name));
}
