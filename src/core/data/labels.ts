import type { Place } from "../errors.ts";
import type { Tensor } from "../ports.ts";
import type { ArraySource } from "./arrays.ts";
import { isStrings, product, shapeText } from "./elements.ts";
import { dataError } from "./errors.ts";
import { halfToNumber } from "./half.ts";

/** Names a label array may have, the first that is there counts. A model's input of that name comes first. */
export const labelNames = ["labels", "label", "y", "targets", "target"] as const;

/** Rows of one-hot labels read at once: 4096 rows of 1000 classes in float64 are 32 MiB. */
const stepRows = 4096;

/**
 * A label array as one class index per sample: integers of shape [samples] or [samples, 1], or one-hot [samples, classes].
 * @throws SigmaQuantError SQ4034
 */
export async function readLabels(source: ArraySource, place: Place, signal?: AbortSignal): Promise<Int32Array> {
  const { dims } = source;
  const bad = (message: string, remedy = "Save the labels as integers, one class index per sample.") =>
    dataError("labels", message, remedy, place);
  const [samples = 0] = dims;
  const classes = product(dims.slice(1));
  if (dims.length === 0 || dims.length > 2 || source.type === "string") {
    throw bad(`Labels of shape and type ${shapeText(dims, source.type)} are not understood`);
  }
  const labels = new Int32Array(samples);
  for (let from = 0; from < samples; from += stepRows) {
    signal?.throwIfAborted();
    const count = Math.min(stepRows, samples - from);
    const values = numbers(await source.rows(from, count, signal));
    for (let row = 0; row < count; row++) {
      const at = row * classes;
      const label = classes === 1 ? (values[at] as number) : oneHot(values, at, classes);
      if (label === undefined) {
        const remedy = "Save class indices (numpy.argmax(labels, axis=1)); soft labels are not supported.";
        throw bad(`Row ${from + row} of the labels is not one-hot: one 1 and else 0`, remedy);
      }
      if (!Number.isInteger(label) || label < 0 || label > 0x7fffffff) {
        throw bad(`The label of sample ${from + row} is ${label}, which is not a class index (0, 1, 2, ...)`);
      }
      labels[from + row] = label;
    }
  }
  return labels;
}

function oneHot(values: ArrayLike<number>, at: number, classes: number): number | undefined {
  let found: number | undefined;
  for (let index = 0; index < classes; index++) {
    const value = values[at + index];
    if (value === 0) continue;
    if (value !== 1 || found !== undefined) return undefined;
    found = index;
  }
  return found;
}

function numbers({ type, data }: Tensor): ArrayLike<number> {
  if (isStrings(data)) return [];
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Array.from(data, Number);
  return type === "float16" ? Array.from(data, halfToNumber) : data;
}
