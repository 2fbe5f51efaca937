import type { Place } from "../errors.ts";
import { elementBytes, type NumericType, product } from "./elements.ts";
import { dataError } from "./errors.ts";

/** The longest header that version 1 can state; a real one has 118 bytes. Versions 2 and 3 could claim 4 GiB. */
export const maxHeaderBytes = 65_535;
/** Magic, version and a header length of 4 bytes. */
export const maxPrefixBytes = 12;
/** Inputs of networks have rank 0-6; 16 leaves room and stops rank bombs. */
const maxRank = 16;

export interface NpyHeader {
  readonly type: NumericType;
  readonly littleEndian: boolean;
  readonly fortranOrder: boolean;
  readonly dims: readonly number[];
  /** Where the elements begin. */
  readonly dataAt: number;
  /** Bytes of all elements. */
  readonly dataBytes: number;
}

const remedy = "Write the file again with numpy.save or numpy.savez.";

/**
 * Parses the header of a `.npy` file, versions 1 to 3 (NEP 1 and numpy.lib.format). The Python literal is scanned, never
 * evaluated.
 * @param head the file's first bytes, at least up to the end of the header
 * @throws SigmaQuantError SQ4001 (no or broken header), SQ4002 (element type), SQ4003 (shorter than its header)
 */
export function parseNpyHeader(head: Uint8Array, place: Place): NpyHeader {
  const bad = (message: string) => dataError("npy-format", message, remedy, place);
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (head.length < 10 || magic.some((byte, index) => head[index] !== byte)) {
    throw bad("This is not a .npy array: it does not begin with the NumPy signature");
  }
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const major = view.getUint8(6);
  if (major < 1 || major > 3) throw bad(`.npy format version ${major} is not known (1, 2 and 3 are)`);
  const start = major === 1 ? 10 : 12;
  if (head.length < start) throw bad("The .npy header is cut off");
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > maxHeaderBytes) throw bad(`The .npy header claims ${length} bytes; ${maxHeaderBytes} is the limit`);
  if (head.length < start + length) throw bad("The .npy header is cut off");
  const text = new TextDecoder(major === 3 ? "utf-8" : "latin1").decode(head.subarray(start, start + length));
  const fields = parseFields(text);
  if (fields === undefined)
    throw bad("The .npy header is not the dictionary of descr, fortran_order and shape it should be");
  const { descr, fortranOrder, dims } = fields;
  if (dims.length > maxRank) throw bad(`The array has ${dims.length} axes; ${maxRank} is the limit`);
  const { type, littleEndian } = parseType(descr, place);
  const dataBytes = product(dims) * elementBytes[type];
  if (!Number.isSafeInteger(dataBytes))
    throw bad(`The array claims a shape of (${dims.join(", ")}), more than any file holds`);
  return { type, littleEndian, fortranOrder, dims, dataAt: start + length, dataBytes };
}

interface Fields {
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly dims: readonly number[];
}

/**
 * `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }` with keys in any order. A structured type is a list where
 * the type's string is expected; it is given back as it stands, to be refused by name.
 */
function parseFields(text: string): Fields | undefined {
  const body = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1];
  if (body === undefined) return undefined;
  const pair =
    /\s*(?:'([a-z_]+)'|"([a-z_]+)")\s*:\s*(?:'([^'\\]*)'|"([^"\\]*)"|(True|False)|\(([0-9L,\s]*)\)|(\[.*\]))\s*(?:,|$)/sy;
  let descr: string | undefined;
  let fortranOrder: boolean | undefined;
  let dims: readonly number[] | undefined;
  while (pair.lastIndex < body.length && body.slice(pair.lastIndex).trim() !== "") {
    const match = pair.exec(body);
    if (match === null) return undefined;
    const [, key1, key2, text1, text2, flag, tuple, list] = match;
    const key = key1 ?? key2;
    if (key === "descr" && descr === undefined) descr = text1 ?? text2 ?? list;
    else if (key === "fortran_order" && fortranOrder === undefined && flag !== undefined)
      fortranOrder = flag === "True";
    else if (key === "shape" && dims === undefined && tuple !== undefined) dims = parseShape(tuple);
    else return undefined;
  }
  if (descr === undefined || fortranOrder === undefined || dims === undefined) return undefined;
  return { descr, fortranOrder, dims };
}

function parseShape(tuple: string): readonly number[] | undefined {
  const parts = tuple.split(",").map((part) => part.trim());
  if (parts.at(-1) === "") parts.pop();
  // Python 2 wrote long integers with an L.
  if (!parts.every((part) => /^[0-9]{1,16}L?$/.test(part))) return undefined;
  return parts.map((part) => Number.parseInt(part, 10));
}

const types: ReadonlyMap<string, NumericType> = new Map(
  Object.entries({
    f2: "float16",
    f4: "float32",
    f8: "float64",
    i1: "int8",
    i2: "int16",
    i4: "int32",
    i8: "int64",
    u1: "uint8",
    u2: "uint16",
    u4: "uint32",
    u8: "uint64",
    b1: "bool",
  }),
);

function parseType(descr: string, place: Place): { readonly type: NumericType; readonly littleEndian: boolean } {
  const [, order = "|", code = ""] = /^([<>|=]?)(.*)$/s.exec(descr) ?? [];
  const type = types.get(code);
  if (type !== undefined) return { type, littleEndian: order !== ">" };
  const kinds: readonly (readonly [RegExp, string, string])[] = [
    [
      /^O/,
      "pickled Python objects, which are never loaded",
      "Convert it to numbers first, e.g. array.astype('float32').",
    ],
    [/^[USa]/, "text", "Convert it to numbers first."],
    [/^c/, "complex numbers", "Save real and imaginary parts as separate axes."],
    [/^[mM]/, "dates or durations", "Convert it to numbers first."],
    [/^\[/, "records of several fields", "Save each field as an array of its own."],
    [/^V/, "raw bytes (bfloat16 is stored so)", "Convert it to float32 first."],
  ];
  const kind = kinds.find(([pattern]) => pattern.test(code));
  throw dataError(
    "npy-type",
    kind
      ? `The array holds ${kind[1]}`
      : `The array's element type ${JSON.stringify(descr.slice(0, 40))} is not supported`,
    kind?.[2] ?? "Convert it to one of float16/32/64, int8-64, uint8-64 or bool.",
    place,
  );
}
