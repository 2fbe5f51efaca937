import type { Accuracy } from "../plan/types.ts";
import type { OutputComparison } from "../sensitivity/outputs.ts";

/**
 * Share of the changed predictions that counts as lost at least. Top-1 on some hundred samples moves by chance, and on
 * samples that a network was trained on it hardly moves at all; how many predictions change is steadier. Of those, in the
 * networks we measured, about half are losses: our choice.
 */
const lostOfChanged = 0.5;

/** Loss of accuracy of a mix on calibration samples, a fraction (error energy over signal energy for other outputs); what the search keeps below its target. */
export function searchDrop(float: OutputComparison, mix: OutputComparison): number {
  if (mix.agreement === undefined) return mix.nmse;
  const changed = 1 - mix.agreement;
  if (float.top1 === undefined || mix.top1 === undefined) return changed;
  return Math.max(float.top1 - mix.top1, lostOfChanged * changed);
}

/** The one figure of a simulated mix that tables show. */
export function simulatedAccuracy(
  float: OutputComparison,
  mix: OutputComparison,
  samples: number,
  synthetic: boolean,
): Accuracy {
  const common = { samples, how: "simulated" as const, ...(synthetic && { synthetic: true }) };
  if (float.top1 !== undefined && mix.top1 !== undefined) {
    return { metric: "top1", float: float.top1, quantized: mix.top1, ...common };
  }
  if (mix.agreement !== undefined) return { metric: "agreement", float: 1, quantized: mix.agreement, ...common };
  return { metric: "nmse", float: 0, quantized: mix.nmse, ...common };
}
