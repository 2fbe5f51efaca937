/** Protobuf's wire types (encoding specification, "Message Structure"). */
export const wire = { varint: 0, fixed64: 1, bytes: 2, startGroup: 3, endGroup: 4, fixed32: 5 } as const;

/** Most bytes of a varint: 64 bits in groups of seven. */
export const maxVarintBytes = 10;

/** Bytes of a value of fixed width; undefined for the other wire types. */
export function fixedWidth(type: number): 4 | 8 | undefined {
  return type === wire.fixed32 ? 4 : type === wire.fixed64 ? 8 : undefined;
}

/** Protobuf's variable-length encoding of a number up to 2^53. */
export function encodeVarint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
}

/** Tag and length in front of a length-delimited field. */
export function encodeHeader(field: number, length: number): Uint8Array {
  return Uint8Array.from([...encodeVarint(field * 8 + wire.bytes), ...encodeVarint(length)]);
}
