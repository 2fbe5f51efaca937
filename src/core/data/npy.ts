import type { Place } from "../errors.ts";
import type { ByteSource, Tensor } from "../ports.ts";
import type { ArrayFile, ArraySource } from "./arrays.ts";
import { elementBytes, fromBytes, type NumericType, newData, product, sliceRows, swapBytes } from "./elements.ts";
import { dataError } from "./errors.ts";
import { maxHeaderBytes, maxPrefixBytes, type NpyHeader, parseNpyHeader } from "./npyHeader.ts";

/**
 * An array that must be in memory as a whole (compressed, or in Fortran order) may have 2 GiB: a set of 14,000 photographs of
 * 224 x 224 x 3 bytes, and half of what one typed array holds in Node 20. Others are read in pieces, without this limit.
 */
export const maxArrayInMemory = 2 ** 31;

/**
 * A `.npy` file as an array read by rows: C order straight from the source, Fortran order loaded and rearranged once.
 * @throws SigmaQuantError SQ4001-SQ4004
 */
export async function openNpy(source: ByteSource, place: Place): Promise<ArraySource> {
  const head = await source.read(0, Math.min(source.size, maxPrefixBytes + maxHeaderBytes));
  const header = parseNpyHeader(head, place);
  checkLength(header, source.size, place);
  return npyArray(header, source, place);
}

/** A `.npy` file as a set of one array, named "". */
export function npyFile(source: ByteSource, file: string): ArrayFile {
  return { file, names: [""], open: () => openNpy(source, { file }) };
}

/** @param available bytes of header and data that are there */
export function checkLength(header: NpyHeader, available: number, place: Place): void {
  if (header.dataAt + header.dataBytes <= available) return;
  throw dataError(
    "npy-truncated",
    `The array of shape (${header.dims.join(", ")}) needs ${header.dataBytes} bytes, but ${available - header.dataAt} are there`,
    "Copy or write the file again: it is cut off.",
    place,
  );
}

/** An array whose header is known and whose elements are at header.dataAt of the source. */
export function npyArray(header: NpyHeader, source: ByteSource, place: Place): ArraySource {
  const { type, dims } = header;
  const rowBytes = product(dims.slice(1)) * elementBytes[type];
  if (header.fortranOrder && dims.length > 1) {
    let whole: Promise<Tensor> | undefined;
    const load = async (): Promise<Tensor> => {
      checkInMemory(
        header.dataBytes,
        "is in Fortran order",
        "Save it in C order: numpy.ascontiguousarray(array).",
        place,
      );
      const bytes = await readElements(header, source, 0, header.dataBytes);
      return { type, dims, data: fromFortran(type, dims, bytes) };
    };
    return {
      type,
      dims,
      rows: async (from, count) => {
        whole ??= load();
        return sliceRows(await whole, from, count);
      },
    };
  }
  return {
    type,
    dims,
    rows: async (from, count, signal) => {
      signal?.throwIfAborted();
      const bytes = await readElements(header, source, from * rowBytes, count * rowBytes);
      return { type, dims: [count, ...dims.slice(1)], data: fromBytes(type, bytes) };
    },
  };
}

/** @throws SigmaQuantError SQ4004 when an array that can't be read in pieces is too large */
export function checkInMemory(bytes: number, why: string, remedy: string, place: Place): void {
  if (bytes <= maxArrayInMemory) return;
  const size = (bytes / 2 ** 30).toFixed(1);
  throw dataError(
    "array-too-large",
    `The array ${why}, so it must be in memory as a whole, and ${size} GiB are over the limit of ${maxArrayInMemory / 2 ** 30} GiB`,
    remedy,
    place,
  );
}

async function readElements(header: NpyHeader, source: ByteSource, at: number, length: number): Promise<Uint8Array> {
  const bytes = await source.read(header.dataAt + at, length);
  const size = elementBytes[header.type];
  if (header.littleEndian || size === 1) return bytes;
  const swapped = bytes.slice();
  swapBytes(swapped, size);
  return swapped;
}

/** Column-major elements to row-major: axis 0 varies fastest in the file, slowest in the result. */
function fromFortran(type: NumericType, dims: readonly number[], bytes: Uint8Array) {
  const source = fromBytes(type, bytes);
  const target = newData(type, source.length);
  const strides: number[] = [];
  dims.reduce((stride, dim, axis) => {
    strides[axis] = stride;
    return stride * dim;
  }, 1);
  const index = new Array<number>(dims.length).fill(0);
  let from = 0;
  for (let to = 0; to < target.length; to++) {
    target[to] = source[from] as never;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      const stride = strides[axis] ?? 0;
      if (next < (dims[axis] ?? 0)) {
        index[axis] = next;
        from += stride;
        break;
      }
      index[axis] = 0;
      from -= (next - 1) * stride;
    }
  }
  return target;
}
