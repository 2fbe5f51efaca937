import { SigmaQuantError } from "../core/errors.ts";
import type { Bits } from "../core/hardware/profile.ts";
import type { DeviceFit } from "../core/pipeline/deviceFit.ts";
import type { LossOf } from "../core/pipeline/loss.ts";
import { type SolvedBits, solveBits } from "../core/pipeline/solveBits.ts";

/** A frame of the editor: the time that the solver may take while a budget is dragged. A thousandth of the loss shows nowhere. */
const solver = { maxGap: 1e-3, maxMillis: 16 };
/** Where that was too short to tell whether anything fits, as it can be on a busy machine: lenses still follow typing with it. */
const patientSolver = { ...solver, maxMillis: 120 };

/**
 * Bits with the least loss within the limits, while a person waits. Where even more time does not tell whether anything fits, the
 * narrowest bits, of which nothing is proven.
 */
export function solveSoon(fit: DeviceFit, loss: LossOf): SolvedBits {
  return inTime(fit, loss, solver) ?? inTime(fit, loss, patientSolver) ?? narrowest(fit);
}

/** Undefined where the time was too short to tell whether anything fits. */
export function inTime(
  fit: DeviceFit,
  loss: LossOf,
  options: { readonly maxGap: number; readonly maxMillis: number },
): SolvedBits | undefined {
  try {
    return solveBits(fit, loss, options);
  } catch (error) {
    if (error instanceof SigmaQuantError && error.code === "SQ5205") return undefined;
    throw error;
  }
}

function narrowest({ table }: DeviceFit): SolvedBits {
  const decided = table.withFixed(({ bits }) => bits[0] as Bits);
  return { bits: new Map(table.layers.map(({ name }) => [name, decided.get(name) ?? null])) };
}
