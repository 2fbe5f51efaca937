import type { Bits } from "../hardware/profile.ts";
import { RowFitter } from "./fitRow.ts";
import { addSolved, type HessianBlock } from "./hessianBlock.ts";
import type { RecoveryMethod } from "./methods.ts";

/** Consecutive rows of a layer, see RowLayout, with all that their rounding depends on. Plain data. */
export interface RowsTask {
  readonly bits: Bits;
  readonly methods: readonly RecoveryMethod[];
  /** Scales to try for each row, see scalesToTry. */
  readonly tries: number;
  readonly columns: number;
  /** Weights, [rows, columns]. */
  readonly weights: Float64Array;
  /** E[d x^T] of what the output lacks already, [rows, columns]: the weights are moved by its regression on x first. */
  readonly cross?: Float64Array;
  /** Scales to keep, [rows]; found without it. */
  readonly scales?: Float64Array;
  /** The Hessian's blocks for each group that the rows are of. */
  readonly groups: readonly (readonly HessianBlock[])[];
  readonly rowsPerGroup: number;
  /** Place of the first row in its group. */
  readonly firstInGroup: number;
}

export interface FittedRows {
  /** Integers, [rows, columns]. */
  readonly q: Int8Array;
  /** [rows] */
  readonly scales: Float64Array;
}

/** Integers and scales with the least squared output error, row by row; see RowFitter. */
export function fitRows(task: RowsTask): FittedRows {
  const { bits, tries, columns, weights, cross, groups, rowsPerGroup, firstInGroup } = task;
  const rows = weights.length / columns;
  const sizes = (groups[0] ?? []).map(({ size }) => size);
  const fitter = new RowFitter(sizes, new Set(task.methods), tries);
  const q = new Int8Array(rows * columns);
  const scales = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    const blocks = groups[Math.floor((firstInGroup + r) / rowsPerGroup)] ?? [];
    const at = r * columns;
    const aim = weights.slice(at, at + columns);
    if (cross) for (const block of blocks) addSolved(block, cross.subarray(at, at + columns), aim);
    fitter.fit(aim, blocks, bits, task.scales?.[r]);
    q.set(fitter.q, at);
    scales[r] = fitter.scale;
  }
  return { q, scales };
}
