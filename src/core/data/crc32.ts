/** One table per byte of a word: four table look-ups take in four bytes ("slicing by 4", Kounavis and Berry 2005). */
const tables = makeTables();

/** CRC-32 as zip uses it (polynomial 0xEDB88320, reflected). Feed pieces by passing the last result as `crc`. */
export function crc32(bytes: Uint8Array, crc = 0): number {
  const [t0, t1, t2, t3] = tables;
  let state = ~crc;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) {
    const b0 = bytes[at] as number;
    const b1 = bytes[at + 1] as number;
    const b2 = bytes[at + 2] as number;
    const b3 = bytes[at + 3] as number;
    const word = state ^ (b0 | (b1 << 8) | (b2 << 16) | (b3 << 24));
    state =
      (t3[word & 0xff] as number) ^
      (t2[(word >>> 8) & 0xff] as number) ^
      (t1[(word >>> 16) & 0xff] as number) ^
      (t0[word >>> 24] as number);
  }
  for (; at < bytes.length; at++) state = (state >>> 8) ^ (t0[(state ^ (bytes[at] as number)) & 0xff] as number);
  return ~state >>> 0;
}

function makeTables(): readonly [Int32Array, Int32Array, Int32Array, Int32Array] {
  const first = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let state = byte;
    for (let bit = 0; bit < 8; bit++) state = state & 1 ? (state >>> 1) ^ 0xedb88320 : state >>> 1;
    first[byte] = state;
  }
  const after = (table: Int32Array) => table.map((state) => (state >>> 8) ^ (first[state & 0xff] as number));
  const second = after(first);
  const third = after(second);
  return [first, second, third, after(third)];
}
