import type { Tensor, TensorData, TensorType } from "../ports.ts";

export type NumericType = Exclude<TensorType, "string">;
export type NumericData = Exclude<TensorData, readonly string[]>;

/** Bytes of one element. */
export const elementBytes: Readonly<Record<NumericType, number>> = {
  float32: 4,
  float64: 8,
  float16: 2,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  bool: 1,
};

/** Smallest and largest value of the integer types (bool as 0 and 1); undefined for floats. */
export const integerRange: Readonly<Partial<Record<NumericType, readonly [bigint, bigint]>>> = {
  bool: [0n, 1n],
  int8: [-128n, 127n],
  uint8: [0n, 255n],
  int16: [-32768n, 32767n],
  uint16: [0n, 65535n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

export function isFloat(type: TensorType): boolean {
  return type === "float32" || type === "float64" || type === "float16";
}

export function product(dims: readonly number[]): number {
  return dims.reduce((total, dim) => total * dim, 1);
}

/** `uint8[512, 1, 28, 28]`, as messages show it. */
export function shapeText(dims: readonly (number | string | null)[], type = ""): string {
  return `${type}[${dims.map((dim) => dim ?? "?").join(", ")}]`;
}

/** Zero-filled data of a type. */
export function newData(type: NumericType, length: number): NumericData {
  switch (type) {
    case "float32":
      return new Float32Array(length);
    case "float64":
      return new Float64Array(length);
    case "int8":
      return new Int8Array(length);
    case "uint8":
    case "bool":
      return new Uint8Array(length);
    case "int16":
      return new Int16Array(length);
    case "uint16":
    case "float16":
      return new Uint16Array(length);
    case "int32":
      return new Int32Array(length);
    case "uint32":
      return new Uint32Array(length);
    case "int64":
      return new BigInt64Array(length);
    case "uint64":
      return new BigUint64Array(length);
  }
}

/**
 * Little-endian bytes as typed data. The result shares memory with `bytes` when that is aligned, else it is a copy. Every
 * platform that Node and ONNX Runtime support is little-endian, so no swap is needed on this side.
 */
export function fromBytes(type: NumericType, bytes: Uint8Array): NumericData {
  const size = elementBytes[type];
  const length = Math.floor(bytes.byteLength / size);
  if (bytes.byteOffset % size !== 0) {
    const copy = newData(type, length);
    new Uint8Array(copy.buffer).set(bytes.subarray(0, length * size));
    return copy;
  }
  const { buffer, byteOffset } = bytes;
  switch (type) {
    case "float32":
      return new Float32Array(buffer, byteOffset, length);
    case "float64":
      return new Float64Array(buffer, byteOffset, length);
    case "int8":
      return new Int8Array(buffer, byteOffset, length);
    case "uint8":
    case "bool":
      return new Uint8Array(buffer, byteOffset, length);
    case "int16":
      return new Int16Array(buffer, byteOffset, length);
    case "uint16":
    case "float16":
      return new Uint16Array(buffer, byteOffset, length);
    case "int32":
      return new Int32Array(buffer, byteOffset, length);
    case "uint32":
      return new Uint32Array(buffer, byteOffset, length);
    case "int64":
      return new BigInt64Array(buffer, byteOffset, length);
    case "uint64":
      return new BigUint64Array(buffer, byteOffset, length);
  }
}

/** Reverses the bytes of every element in place: big-endian files to little-endian memory. */
export function swapBytes(bytes: Uint8Array, size: number): void {
  for (let at = 0; at + size <= bytes.length; at += size) bytes.subarray(at, at + size).reverse();
}

/** Rows [from, from + count) along axis 0, sharing memory. A 0-d tensor has one row. */
export function sliceRows(tensor: Tensor, from: number, count: number): Tensor {
  const row = product(tensor.dims.slice(1));
  const data = isStrings(tensor.data)
    ? tensor.data.slice(from * row, (from + count) * row)
    : tensor.data.subarray(from * row, (from + count) * row);
  return { type: tensor.type, dims: [count, ...tensor.dims.slice(1)], data };
}

/** Tensors of one type and row shape, one below the other along axis 0. */
export function concatRows(parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  if (first === undefined) throw new RangeError("nothing to concatenate");
  if (parts.length === 1) return first;
  const dims = [parts.reduce((rows, part) => rows + (part.dims[0] ?? 1), 0), ...first.dims.slice(1)];
  if (first.type === "string") {
    return { type: "string", dims, data: parts.flatMap((part) => (isStrings(part.data) ? part.data : [])) };
  }
  const data = newData(first.type, product(dims));
  const bytes = new Uint8Array(data.buffer);
  let at = 0;
  for (const part of parts) {
    if (isStrings(part.data)) throw new TypeError("strings among numbers");
    bytes.set(new Uint8Array(part.data.buffer, part.data.byteOffset, part.data.byteLength), at);
    at += part.data.byteLength;
  }
  return { type: first.type, dims, data };
}

export function isStrings(data: TensorData): data is readonly string[] {
  return Array.isArray(data);
}
