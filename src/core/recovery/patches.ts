import { halfToNumber } from "../data/half.ts";
import type { Random } from "../data/random.ts";
import type { WeightUse } from "../model/discover.ts";
import { intAttribute } from "../onnx/build.ts";
import type { Tensor } from "../ports.ts";
import { type ConvGeometry, convGeometry, tapPositions } from "./convGeometry.ts";
import type { RowLayout } from "./rowLayout.ts";

/**
 * Output positions of one sample that are looked at: neighbouring patches of a feature map are nearly the same, so that more of
 * them cost much and tell little. Our choice.
 */
export const maxPositions = 64;

/** Which output elements of one batch are looked at, and how their inputs are found. */
export interface PatchPlan {
  readonly layout: RowLayout;
  readonly samples: number;
  /** Positions of each sample. */
  readonly perSample: number;
  /** Their indices among the sample's output positions, [samples * perSample]. */
  readonly positions: Int32Array;
  /** Dimensions of the layer's output. */
  readonly output: readonly number[];
  readonly read: ConvReading | MatrixReading;
}

interface ConvReading {
  readonly kind: "conv";
  readonly geometry: ConvGeometry;
  readonly spatial: readonly number[];
  /** Output positions in a sample. */
  readonly area: number;
}

interface MatrixReading {
  readonly kind: "matrix";
  /** Vectors in one matrix, and whether they are its columns instead of its rows: for the input and for the output. */
  readonly vectors: number;
  readonly byColumn: boolean;
  readonly outputByColumn: boolean;
  /** Vectors of one sample. */
  readonly perSample: number;
}

/**
 * At most `maxPositions` output positions of every sample of a batch, drawn anew for each.
 * @param kernel spatial shape of the weight, for convolutions; @param dims of the activation input
 * @returns undefined where the operator's form is not read (see convGeometry), or the input does not fit the weight
 */
export function planPatches(
  use: WeightUse,
  layout: RowLayout,
  kernel: readonly number[],
  dims: readonly number[],
  random: Random,
): PatchPlan | undefined {
  switch (use.node.opType) {
    case "Conv":
    case "ConvTranspose":
      return planConv(use, layout, kernel, dims, random);
    case "Gemm":
    case "MatMul":
      return planMatrix(use, layout, dims, random);
    default:
      return undefined;
  }
}

function planConv(
  use: WeightUse,
  layout: RowLayout,
  kernel: readonly number[],
  dims: readonly number[],
  random: Random,
): PatchPlan | undefined {
  const [samples = 0, channels = 0, ...spatial] = dims;
  if (spatial.length !== kernel.length || channels * product(kernel) !== layout.groups * layout.columns)
    return undefined;
  const geometry = convGeometry(use.node, kernel, spatial);
  if (geometry === undefined) return undefined;
  const area = product(geometry.output);
  const output = [samples, layout.rows, ...geometry.output];
  return planned(layout, samples, area, output, { kind: "conv", geometry, spatial, area }, random);
}

function planMatrix(use: WeightUse, layout: RowLayout, dims: readonly number[], random: Random): PatchPlan | undefined {
  const { node, slot } = use;
  const isGemm = node.opType === "Gemm";
  // Gemm's output is [M, N] whatever is transposed: vectors of the left operand are rows of it.
  const isTransposed = isGemm && intAttribute(node, slot === 1 ? "transA" : "transB", 0) === 1;
  const byColumn = dims.length > 1 && (slot === 1 ? isTransposed : !isTransposed);
  const [height = 1, width = 1] = dims.length === 1 ? [1, dims[0]] : dims.slice(-2);
  if ((byColumn ? height : width) !== layout.columns) return undefined;
  const vectors = byColumn ? width : height;
  const all = product(dims) / layout.columns;
  // The rows of one matrix are samples; behind a batch axis they are positions of a sample.
  const samples = dims.length > 2 ? (dims[0] as number) : all;
  const perSample = all / Math.max(1, samples);
  const matrices = dims.length === 1 ? [] : dims.slice(0, -2);
  const own = dims.length === 1 ? [layout.rows] : slot === 1 ? [vectors, layout.rows] : [layout.rows, vectors];
  const read: MatrixReading = { kind: "matrix", vectors, byColumn, outputByColumn: slot === 0, perSample };
  return planned(layout, samples, perSample, [...matrices, ...own], read, random);
}

function planned(
  layout: RowLayout,
  samples: number,
  total: number,
  output: readonly number[],
  read: PatchPlan["read"],
  random: Random,
): PatchPlan | undefined {
  const perSample = Math.min(total, maxPositions);
  if (!(samples * perSample > 0)) return undefined;
  const positions = new Int32Array(samples * perSample);
  for (let n = 0; n < samples; n++) positions.set(draw(total, perSample, random), n * perSample);
  return { layout, samples, perSample, positions, output, read };
}

/** A floating-point tensor's elements; undefined for other types. */
export function floatsOf({ type, data }: Tensor): Float32Array | undefined {
  if (data instanceof Float32Array) return data;
  if (data instanceof Float64Array) return Float32Array.from(data);
  return type === "float16" ? Float32Array.from(data as Uint16Array, halfToNumber) : undefined;
}

/** Patches in a plan: the length of a row of what readInputs and readOutputs give. */
export function patchCount({ samples, perSample }: PatchPlan): number {
  return samples * perSample;
}

/** x(group, column) at the plan's positions, float32 [groups, columns, patches]. */
export function readInputs(plan: PatchPlan, data: Float32Array): Float32Array {
  const { layout, read, samples, perSample, positions } = plan;
  const count = patchCount(plan);
  const out = new Float32Array(layout.groups * layout.columns * count);
  if (read.kind === "matrix") {
    const { columns } = layout;
    for (let p = 0; p < count; p++) {
      const start = vectorStart(read, columns, read.byColumn, Math.floor(p / perSample), positions[p] as number);
      const step = read.byColumn ? read.vectors : 1;
      for (let k = 0; k < columns; k++) out[k * count + p] = data[start + k * step] as number;
    }
    return out;
  }
  const { geometry, spatial } = read;
  const taps = product(geometry.kernel);
  const channels = (layout.groups * layout.columns) / taps;
  const size = product(spatial);
  const places = new Int32Array(perSample);
  for (let n = 0; n < samples; n++) {
    const own = positions.subarray(n * perSample, (n + 1) * perSample);
    for (let tap = 0; tap < taps; tap++) {
      tapPositions(geometry, spatial, tap, own, places);
      for (let c = 0; c < channels; c++) {
        const from = (n * channels + c) * size;
        const to = (c * taps + tap) * count + n * perSample;
        for (let p = 0; p < perSample; p++) {
          const place = places[p] as number;
          out[to + p] = place < 0 ? 0 : (data[from + place] as number);
        }
      }
    }
  }
  return out;
}

/** A value of the output's shape at the plan's positions, float32 [rows, patches]. */
export function readOutputs(plan: PatchPlan, data: Float32Array): Float32Array {
  const { layout, read, perSample, positions } = plan;
  const { rows } = layout;
  const count = patchCount(plan);
  const out = new Float32Array(rows * count);
  for (let p = 0; p < count; p++) {
    const sample = Math.floor(p / perSample);
    const position = positions[p] as number;
    const isConv = read.kind === "conv";
    const start = isConv
      ? sample * rows * read.area + position
      : vectorStart(read, rows, read.outputByColumn, sample, position);
    const step = isConv ? read.area : read.outputByColumn ? read.vectors : 1;
    for (let r = 0; r < rows; r++) out[r * count + p] = data[start + r * step] as number;
  }
  return out;
}

/** Where a vector of `length` elements begins in a stack of matrices that hold them as rows or as columns. */
function vectorStart(
  { vectors, perSample }: MatrixReading,
  length: number,
  byColumn: boolean,
  sample: number,
  position: number,
): number {
  const vector = sample * perSample + position;
  const matrix = Math.floor(vector / vectors);
  const within = vector % vectors;
  return matrix * vectors * length + (byColumn ? within : within * length);
}

/** `count` different integers below `total`, ascending; every subset equally likely (Floyd's algorithm). */
function draw(total: number, count: number, random: Random): Int32Array {
  if (count >= total) return Int32Array.from({ length: total }, (_, i) => i);
  const chosen = new Set<number>();
  for (let upper = total - count; upper < total; upper++) {
    const candidate = random.below(upper + 1);
    chosen.add(chosen.has(candidate) ? upper : candidate);
  }
  return Int32Array.from(chosen).sort();
}

function product(dims: readonly number[]): number {
  return dims.reduce((a, b) => a * b, 1);
}
