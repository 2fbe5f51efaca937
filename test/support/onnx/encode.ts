/** Protobuf's encoding by hand, for files that no writer makes. */

export function varint(value: number | bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return bytes;
}

export function tag(field: number, type: number): number[] {
  return varint(field * 8 + type);
}

type Part = Uint8Array | readonly number[];

export function join(...parts: readonly Part[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts.map((part) => Uint8Array.from(part))));
}

/** A number in a field: int32, int64, enum or bool. */
export function number(field: number, value: number | bigint): Uint8Array {
  return join(tag(field, 0), varint(value));
}

/** A length-delimited field: text, bytes, packed numbers, or a message given by its fields. */
export function bytes(field: number, ...content: readonly (Part | string)[]): Uint8Array {
  const body = join(...content.map((part) => (typeof part === "string" ? new TextEncoder().encode(part) : part)));
  return join(tag(field, 2), varint(body.length), body);
}

/** A length-delimited field that claims any length. */
export function claim(field: number, length: number | bigint, content: Part = []): Uint8Array {
  return join(tag(field, 2), varint(length), content);
}

export function float32(field: number, value: number): Uint8Array {
  return join(tag(field, 5), new Uint8Array(Float32Array.of(value).buffer));
}

export function float64(field: number, value: number): Uint8Array {
  return join(tag(field, 1), new Uint8Array(Float64Array.of(value).buffer));
}

/** Field numbers of onnx.proto that hand-made files need. */
export const model = {
  irVersion: 1,
  producerName: 2,
  graph: 7,
  opsetImport: 8,
  metadataProps: 14,
  functions: 25,
} as const;
export const graph = { node: 1, name: 2, initializer: 5, docString: 10, input: 11, output: 12, valueInfo: 13 } as const;
export const nodeField = { input: 1, output: 2, name: 3, opType: 4, attribute: 5, docString: 6 } as const;
export const attributeField = { name: 1, f: 2, i: 3, s: 4, t: 5, g: 6, floats: 7, ints: 8, type: 20 } as const;
export const tensorField = {
  dims: 1,
  dataType: 2,
  floatData: 4,
  int32Data: 5,
  stringData: 6,
  int64Data: 7,
  name: 8,
  rawData: 9,
  doubleData: 10,
  uint64Data: 11,
  externalData: 13,
  dataLocation: 14,
} as const;

/** A model file with the given fields of its graph, IR version 8 and opset 13. */
export function modelFile(...graphFields: readonly Uint8Array[]): Uint8Array {
  return join(
    number(model.irVersion, 8),
    bytes(model.opsetImport, number(2, 13)),
    bytes(model.graph, bytes(graph.name, "g"), ...graphFields),
  );
}
