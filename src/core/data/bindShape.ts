import type { ValueInfo } from "../ports.ts";
import type { Layout } from "./preprocess.ts";

type Dims = readonly number[];
type WantedDims = ValueInfo["dims"];

/** How an array's axes serve an input. */
export interface ShapeFit {
  /**
   * "rows": axis 0 are the samples and becomes the input's axis 0. "stacked": axis 0 are the samples and a sample is the whole
   * input. "constant": the array is the whole input, for every sample.
   */
  readonly role: "rows" | "stacked" | "constant";
  /** The channel axis moves from the first axis of a row to its last, or back. */
  readonly move?: "firstToLast" | "lastToFirst";
  /** Dimensions of a sample as the model takes it: without the batch axis for "rows", all of them else. */
  readonly rowDims: Dims;
  /** The array differs from the input by axes of length 1. */
  readonly reshaped: boolean;
}

/**
 * The reading of an array's shape that suits an input, or undefined when none does. In this order: equal rows, rows with
 * the channel axis moved, rows that differ by axes of 1, one whole input per sample, one whole input for all.
 * @param batched the input's axis 0 counts samples; false for a state of [2, 1, 64] or a scalar
 * @param layout of the stored array, where it is known; else a move is tried both ways
 */
export function fitShape(array: Dims, input: WantedDims, batched: boolean, layout?: Layout): ShapeFit | undefined {
  if (batched && array.length > 0) {
    const row = array.slice(1);
    const wanted = input.slice(1);
    if (array.length === input.length) {
      if (fits(row, wanted)) return { role: "rows", rowDims: row, reshaped: false };
      for (const move of movesFor(layout, row.length)) {
        const moved = move === "firstToLast" ? [...row.slice(1), row[0] ?? 1] : [row.at(-1) ?? 1, ...row.slice(0, -1)];
        if (fits(moved, wanted)) return { role: "rows", move, rowDims: moved, reshaped: false };
      }
    }
    const rowDims = withUnitAxes(row, wanted);
    if (rowDims !== undefined) return { role: "rows", rowDims, reshaped: true };
  }
  if (array.length === input.length + 1 && fits(array.slice(1), input)) {
    return { role: "stacked", rowDims: array.slice(1), reshaped: false };
  }
  return fits(array, input) ? { role: "constant", rowDims: array, reshaped: false } : undefined;
}

/** Rows of rank 3 (images) and more have a channel axis that can be at either end. */
function movesFor(layout: Layout | undefined, rank: number): readonly ("firstToLast" | "lastToFirst")[] {
  if (rank < 3) return [];
  if (layout === "NCHW") return ["firstToLast"];
  if (layout === "NHWC") return ["lastToFirst"];
  return ["lastToFirst", "firstToLast"];
}

function fits(dims: Dims, wanted: WantedDims): boolean {
  return dims.length === wanted.length && dims.every((dim, axis) => fitsDim(dim, wanted[axis]));
}

function fitsDim(dim: number, wanted: number | string | null | undefined): boolean {
  return typeof wanted !== "number" || wanted === dim;
}

/** The wanted dimensions filled from a row that has the same axes but for some of length 1: [28, 28] for [1, 28, 28]. */
function withUnitAxes(row: Dims, wanted: WantedDims): Dims | undefined {
  const rest = row.filter((dim) => dim !== 1);
  const needed = wanted.filter((dim) => dim !== 1);
  // `fits` asks for as many axes on both sides, so that open dimensions swallow none by chance.
  if (row.length === wanted.length || !fits(rest, needed)) return undefined;
  let at = 0;
  return wanted.map((dim) => (dim === 1 ? 1 : (rest[at++] as number)));
}
