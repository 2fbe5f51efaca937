import type { LayerSite } from "../model/discover.ts";
import { computesInFloat } from "../model/operators.ts";
import { intAttribute } from "../onnx/build.ts";

/**
 * A layer as a set of rows: y[r] = sum over k of w(r, k) * x(group(r), k) + bias[r], with one row for each output channel and one
 * column for each product of the sum. For convolutions k runs over (input channel of the group, kernel position); x is then a
 * patch of the input (im2col).
 */
export interface RowLayout {
  /** Output channels, those of all groups together. */
  readonly rows: number;
  /** Products in one output element. */
  readonly columns: number;
  /** Sets of inputs; row r reads set floor(r / (rows / groups)). */
  readonly groups: number;
  /** w(r, k) is weight[rowOffset[r] + columnOffset[k]]. */
  readonly rowOffset: Int32Array;
  readonly columnOffset: Int32Array;
  /** The scale of row r is scales[r % scales]: a grouped ConvTranspose has one scale for a channel of every group. */
  readonly scales: number;
}

/** The rows of a layer; undefined for weights with more axes than the operator's plain form (a batch of matrices). */
export function rowLayout(site: LayerSite): RowLayout | undefined {
  const { layer, uses } = site;
  const [use] = uses;
  const shape = layer.weightShape;
  // What lookups and bodies of control flow compute with is not looked at; rows have one scale here.
  if (
    use === undefined ||
    uses.some(computesInFloat) ||
    layer.blockSize !== undefined ||
    uses.some(({ slot }) => slot !== use.slot)
  )
    return undefined;
  const [first = 1, second = 1] = shape;
  switch (use.node.opType) {
    case "Conv": {
      const columns = shape.slice(1).reduce((a, b) => a * b, 1);
      return strided(first, columns, intAttribute(use.node, "group", 1), columns, 1);
    }
    case "ConvTranspose":
      return transposed(shape, intAttribute(use.node, "group", 1));
    case "Gemm":
    case "MatMul": {
      if (shape.length !== 2) return undefined;
      return layer.channelAxis === 0 ? strided(first, second, 1, second, 1) : strided(second, first, 1, 1, second);
    }
    default:
      return undefined;
  }
}

function strided(rows: number, columns: number, groups: number, rowStride: number, columnStride: number): RowLayout {
  return {
    rows,
    columns,
    groups,
    rowOffset: Int32Array.from({ length: rows }, (_, r) => r * rowStride),
    columnOffset: Int32Array.from({ length: columns }, (_, k) => k * columnStride),
    scales: rows,
  };
}

/** ConvTranspose's weight is [C_in, C_out / groups, kernel]: a row's columns lie apart. */
function transposed([inputs = 1, outputs = 1, ...kernel]: readonly number[], groups: number): RowLayout {
  const taps = kernel.reduce((a, b) => a * b, 1);
  const perGroup = inputs / groups;
  return {
    rows: outputs * groups,
    columns: perGroup * taps,
    groups,
    rowOffset: Int32Array.from({ length: outputs * groups }, (_, r) => {
      const group = Math.floor(r / outputs);
      return (group * perGroup * outputs + (r % outputs)) * taps;
    }),
    columnOffset: Int32Array.from({ length: perGroup * taps }, (_, k) => {
      return Math.floor(k / taps) * outputs * taps + (k % taps);
    }),
    scales: outputs,
  };
}

/** Copies row r into `row` (at least `columns` long). */
export function gatherWeights(weight: ArrayLike<number>, layout: RowLayout, r: number, row: Float64Array): void {
  const { columns, columnOffset } = layout;
  const base = layout.rowOffset[r] as number;
  for (let k = 0; k < columns; k++) row[k] = weight[base + (columnOffset[k] as number)] as number;
}

/** The inverse of gatherWeights. */
export function scatterWeights(row: ArrayLike<number>, layout: RowLayout, r: number, weight: Int8Array): void {
  const { columns, columnOffset } = layout;
  const base = layout.rowOffset[r] as number;
  for (let k = 0; k < columns; k++) weight[base + (columnOffset[k] as number)] = row[k] as number;
}
