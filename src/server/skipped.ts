import { SigmaQuantError } from "../core/errors.ts";
import { EngineCrash } from "../node/engineClient.ts";
import type { SessionState } from "./sessionState.ts";

/** With more layers than these it is hardly the layers: the model, the samples or the machine are at fault. Our choice. */
const maxSkipped = 3;

/** A run that ONNX Runtime has no memory for (SQ6005); a queue's workers ended at a layer, one after the other (SQ6101, SQ6204). */
const ofTheLayer = /^SQ(6005|6101|6204)$/;

/**
 * Leaves out the layer at which measuring failed, if it is the layer's doing: the process ended at it for the second time, or after it
 * had ended at others (the first may be by chance, and is for a person to resume), or there was no memory for it.
 * @returns whether the rest can be gone on with
 */
export function skipLayer(state: SessionState, error: unknown): boolean {
  if (!(error instanceof SigmaQuantError) || !ofTheLayer.test(error.code)) return false;
  const layer = error.place.item;
  if (layer === undefined || !state.layers.some(({ name }) => name === layer)) return false;
  const isProven = !(error instanceof EngineCrash) || layer === state.crashedAt || state.skipped.size > 0;
  if (!isProven || state.skipped.has(layer) || state.skipped.size >= maxSkipped) return false;
  state.skipped.add(layer);
  return true;
}

/** All layers are measured again: what is run is another, or a person asks for it. */
export function forgetSkipped(state: SessionState): void {
  state.skipped.clear();
  delete state.crashedAt;
}
