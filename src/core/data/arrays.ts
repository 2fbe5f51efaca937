import type { Tensor, TensorType } from "../ports.ts";
import { sliceRows } from "./elements.ts";

/**
 * One array of a set, read by rows (axis 0) in its own element type, so that a large set is never in memory as floats.
 * A 0-d array has one row. This is the seam for other kinds of data: whatever gives rows can be a dataset.
 */
export interface ArraySource {
  readonly type: TensorType;
  readonly dims: readonly number[];
  /** Rows [from, from + count), dims [count, ...dims.slice(1)]. May share memory with the source: not to be written to. */
  rows(from: number, count: number, signal?: AbortSignal): Promise<Tensor>;
}

/** A file, folder or object that holds arrays by name; an array is opened only when a model asks for it. */
export interface ArrayFile {
  /** What messages call it. */
  readonly file: string;
  /** A single array without a name (`.npy`) is called "". */
  readonly names: readonly string[];
  open(name: string, signal?: AbortSignal): Promise<ArraySource>;
}

/** Arrays that are in memory already. */
export function memoryArrays(arrays: Readonly<Record<string, Tensor>>, file = "memory"): ArrayFile {
  return {
    file,
    names: Object.keys(arrays),
    open: async (name) => {
      const tensor = arrays[name];
      if (tensor === undefined) throw new RangeError(`no array ${name}`);
      return memoryArray(tensor);
    },
  };
}

export function memoryArray(tensor: Tensor): ArraySource {
  return {
    type: tensor.type,
    dims: tensor.dims,
    rows: async (from, count) => sliceRows(tensor, from, count),
  };
}
