import type { Place } from "../errors.ts";
import type { Tensor, TensorType } from "../ports.ts";
import { integerRange, isFloat, isStrings, type NumericData, type NumericType, newData, product } from "./elements.ts";
import { dataError } from "./errors.ts";
import { halfToNumber, numberToHalf } from "./half.ts";
import type { Preprocess } from "./preprocess.ts";

/** How rows of an array become the model's input. */
export interface Conversion {
  readonly type: TensorType;
  /** Scaling and normalization; absent where numbers are taken as they are. */
  readonly normalize?: Preprocess;
  /** Channel axis of the stored rows (dims without the sample axis) and whether it moves to the other end. */
  readonly channels: { readonly axis: "first" | "last"; readonly move: boolean };
  /** Dimensions of a row as the model takes it, after the move: they may differ from the array's by axes of 1. */
  readonly rowDims: readonly number[];
}

/**
 * Rows of an array, [count, ...row], as the model's input, [count, ...rowDims]: normalized, its channel axis moved, in the
 * input's element type. Numbers are computed in double precision and rounded once.
 * @throws SigmaQuantError SQ4032 when an integer does not fit the input's type
 */
export function convertRows(rows: Tensor, conversion: Conversion, place: Place): Tensor {
  const { type, normalize, channels, rowDims } = conversion;
  const count = rows.dims[0] ?? 1;
  const dims = [count, ...rowDims];
  if (isStrings(rows.data) || type === "string" || rows.type === "string") return { type, dims, data: rows.data };
  const row = rows.dims.slice(1);
  const channelCount = (channels.axis === "first" ? row[0] : row.at(-1)) ?? 1;
  const shape = { count, channels: channelCount, pixels: product(row) / Math.max(1, channelCount) };
  const moved = channels.move ? moveChannels(rows.data, rows.type, shape, channels.axis) : rows.data;
  if (normalize === undefined) return { type, dims, data: castData(moved, rows.type, type, place) };
  const last = (channels.axis === "last") !== channels.move;
  return { type, dims, data: normalizeData(moved, rows.type, type, shape, last, normalize) };
}

interface Pixels {
  readonly count: number;
  readonly channels: number;
  readonly pixels: number;
}

/** [count, channels, pixels] to [count, pixels, channels] (from "first") or back (from "last"), type unchanged. */
function moveChannels(data: NumericData, type: NumericType, shape: Pixels, from: "first" | "last"): NumericData {
  const { count, channels, pixels } = shape;
  const result = newData(type, data.length);
  const [outer, inner] = from === "first" ? [channels, pixels] : [pixels, channels];
  for (let sample = 0; sample < count; sample++) {
    const base = sample * outer * inner;
    for (let i = 0; i < outer; i++) {
      for (let j = 0; j < inner; j++) result[base + j * outer + i] = data[base + i * inner + j] as never;
    }
  }
  return result;
}

/** `(x * scale - mean[c]) / std[c]` to a float type; bytes through a table of 256 entries per channel. */
function normalizeData(
  data: NumericData,
  from: NumericType,
  to: NumericType,
  shape: Pixels,
  channelsLast: boolean,
  { scale, mean, std }: Preprocess,
): NumericData {
  const { count, channels, pixels } = shape;
  const values = toNumbers(data, from);
  const result = to === "float64" ? new Float64Array(values.length) : new Float32Array(values.length);
  const table = new Float64Array(256);
  for (let channel = 0; channel < channels; channel++) {
    const m = mean[mean.length === 1 ? 0 : channel] ?? 0;
    const s = std[std.length === 1 ? 0 : channel] ?? 1;
    const bytes = from === "uint8";
    if (bytes) for (let byte = 0; byte < 256; byte++) table[byte] = (byte * scale - m) / s;
    const step = channelsLast ? channels : 1;
    for (let sample = 0; sample < count; sample++) {
      let at = sample * channels * pixels + channel * (channelsLast ? 1 : pixels);
      for (let pixel = 0; pixel < pixels; pixel++, at += step) {
        const value = values[at] as number;
        result[at] = bytes ? (table[value] as number) : (value * scale - m) / s;
      }
    }
  }
  return to === "float16" ? castData(result, "float32", "float16", {}) : result;
}

/**
 * The same numbers in another type. Between floats they are rounded; into integers they must fit exactly.
 * @throws SigmaQuantError SQ4032
 */
export function castData(data: NumericData, from: NumericType, to: NumericType, place: Place): NumericData {
  if (from === to) return data;
  if (isFloat(to)) {
    const numbers = toNumbers(data, from);
    if (to === "float64") return Float64Array.from(numbers);
    if (to === "float32") return Float32Array.from(numbers);
    return Uint16Array.from(numbers, numberToHalf);
  }
  if (to === "bool") return Uint8Array.from(toNumbers(data, from), (value) => (value === 0 ? 0 : 1));
  const range = integerRange[to];
  const result = newData(to, data.length);
  const [least, most] = range ?? [0n, 0n];
  const wide = result instanceof BigInt64Array || result instanceof BigUint64Array;
  for (let index = 0; index < data.length; index++) {
    const value = data[index] as number | bigint;
    if (value < least || value > most) {
      const message = `The array has the value ${value}, which the model's input of type ${to} can't hold`;
      throw dataError("array-type", message, `Save the array as ${to} with values from ${least} to ${most}.`, place);
    }
    result[index] = (wide ? BigInt(value) : Number(value)) as never;
  }
  return result;
}

/** Elements as JS numbers; 64-bit integers beyond 2^53 lose their last digits, which a float input would not hold either. */
function toNumbers(data: NumericData, type: NumericType): Exclude<NumericData, BigInt64Array | BigUint64Array> {
  if (type === "float16") return Float32Array.from(data as Uint16Array, halfToNumber);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    const numbers = new Float64Array(data.length);
    for (let index = 0; index < data.length; index++) numbers[index] = Number(data[index]);
    return numbers;
  }
  return data;
}
