import type { ByteSource } from "../ports.ts";

/**
 * A stretch of a file that holds values of one field of a TensorProto. Packed (and raw_data): `at` is where the values
 * begin. Unpacked: `at` is the first value's tag, and the stretch holds tags and values by turns.
 */
export interface Run {
  /** Field number in TensorProto. */
  readonly field: number;
  readonly packed: boolean;
  readonly at: number;
  readonly length: number;
}

/** Numbers of TensorProto's data fields (onnx.proto). */
export const dataFields = {
  floatData: 4,
  int32Data: 5,
  stringData: 6,
  int64Data: 7,
  rawData: 9,
  doubleData: 10,
  uint64Data: 11,
} as const;

/**
 * Data of a tensor that are not in its message: raw little-endian bytes in memory, or stretches of the file the message
 * came from.
 */
export type Payload =
  | { readonly kind: "memory"; readonly bytes: Uint8Array }
  | {
      readonly kind: "file";
      readonly source: ByteSource;
      readonly file?: string;
      readonly runs: readonly Run[];
    };

/** The stretch of raw_data, if the payload has any: it wins over typed fields, as in ONNX Runtime. */
export function rawRun(runs: readonly Run[]): Run | undefined {
  return runs.findLast((run) => run.field === dataFields.rawData);
}

/**
 * Adds a data field's occurrence to a tensor's runs. Unpacked values that follow each other become one run, with their
 * tags; packed ones (and raw_data) are noted without tag and length.
 * @param start of the tag @param valueAt of the value @param end of the value
 */
export function noteRun(
  runs: { -readonly [K in keyof Run]: Run[K] }[],
  field: number,
  packed: boolean,
  start: number,
  valueAt: number,
  end: number,
): void {
  if (packed) {
    runs.push({ field, packed, at: valueAt, length: end - valueAt });
    return;
  }
  const last = runs.at(-1);
  if (last && !last.packed && last.field === field && last.at + last.length === start) {
    last.length = end - last.at;
  } else {
    runs.push({ field, packed, at: start, length: end - start });
  }
}
