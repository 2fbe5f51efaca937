import type { NodeProto } from "onnx-buf";
import { intsAttribute, stringAttribute } from "../onnx/build.ts";

/** Where a convolution's kernel looks, by spatial axis. */
export interface ConvGeometry {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Zeros before the first element of each axis. */
  readonly begin: readonly number[];
  /** Size of the output's spatial axes. */
  readonly output: readonly number[];
  readonly transposed: boolean;
}

/**
 * A Conv's or ConvTranspose's geometry over an input of this spatial size (ONNX operator specification); undefined for a
 * ConvTranspose whose padding is given indirectly (output_shape, auto_pad), which is rare.
 */
export function convGeometry(
  node: NodeProto,
  kernel: readonly number[],
  input: readonly number[],
): ConvGeometry | undefined {
  const rank = kernel.length;
  const ones = new Array<number>(rank).fill(1);
  const strides = intsAttribute(node, "strides") ?? ones;
  const dilations = intsAttribute(node, "dilations") ?? ones;
  const autoPad = stringAttribute(node, "auto_pad", "NOTSET");
  const pads = intsAttribute(node, "pads") ?? new Array<number>(2 * rank).fill(0);
  const at = (list: readonly number[], axis: number) => list[axis] as number;
  const span = kernel.map((k, axis) => at(dilations, axis) * (k - 1) + 1);
  if (node.opType === "ConvTranspose") {
    if (autoPad !== "NOTSET" && autoPad !== "VALID") return undefined;
    if (intsAttribute(node, "output_shape")?.length) return undefined;
    const given = autoPad === "VALID" ? pads.map(() => 0) : pads;
    const extra = intsAttribute(node, "output_padding") ?? pads.map(() => 0);
    const output = input.map(
      (size, axis) =>
        (size - 1) * at(strides, axis) + at(extra, axis) + at(span, axis) - at(given, axis) - at(given, axis + rank),
    );
    return { kernel, strides, dilations, begin: given.slice(0, rank), output, transposed: true };
  }
  if (autoPad === "SAME_UPPER" || autoPad === "SAME_LOWER") {
    const output = input.map((size, axis) => Math.ceil(size / at(strides, axis)));
    const begin = output.map((size, axis) => {
      const total = Math.max(0, (size - 1) * at(strides, axis) + at(span, axis) - at(input, axis));
      return autoPad === "SAME_UPPER" ? Math.floor(total / 2) : Math.ceil(total / 2);
    });
    return { kernel, strides, dilations, begin, output, transposed: false };
  }
  const given = autoPad === "VALID" ? pads.map(() => 0) : pads;
  const output = input.map(
    (size, axis) =>
      Math.floor((size + at(given, axis) + at(given, axis + rank) - at(span, axis)) / at(strides, axis)) + 1,
  );
  return { kernel, strides, dilations, begin: given.slice(0, rank), output, transposed: false };
}

/** Places in one channel of the input that a kernel tap sees from each of these output positions; -1 where it sees a zero. */
export function tapPositions(
  geometry: ConvGeometry,
  input: readonly number[],
  tap: number,
  positions: ArrayLike<number>,
  into: Int32Array,
): void {
  const { kernel, strides, dilations, begin, output, transposed } = geometry;
  const rank = kernel.length;
  const offsets = unravel(tap, kernel);
  for (let p = 0; p < positions.length; p++) {
    let rest = positions[p] as number;
    let place = 0;
    let step = 1;
    for (let axis = rank - 1; axis >= 0; axis--) {
      const size = output[axis] as number;
      const o = rest % size;
      rest = (rest - o) / size;
      const stride = strides[axis] as number;
      const shift = (offsets[axis] as number) * (dilations[axis] as number);
      const before = begin[axis] as number;
      let i = transposed ? (o + before - shift) / stride : o * stride - before + shift;
      if (!Number.isInteger(i)) i = -1;
      if (i < 0 || i >= (input[axis] as number)) {
        place = -1;
        break;
      }
      place += i * step;
      step *= input[axis] as number;
    }
    into[p] = place;
  }
}

function unravel(index: number, dims: readonly number[]): number[] {
  const out = new Array<number>(dims.length).fill(0);
  let rest = index;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    const size = dims[axis] as number;
    out[axis] = rest % size;
    rest = Math.floor(rest / size);
  }
  return out;
}
