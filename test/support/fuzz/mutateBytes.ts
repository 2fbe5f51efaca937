import type { Random } from "../../../src/core/data/random.ts";

/** One of a list. */
export function oneOf<T>(dice: Random, list: readonly T[]): T {
  return list[dice.below(list.length)] as T;
}

/** True once in `times`. */
export function onceIn(dice: Random, times: number): boolean {
  return dice.below(times) === 0;
}

/** Bytes with `remove` of them at a place replaced. */
export function splice(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  const rest = bytes.subarray(Math.min(bytes.length, at + remove));
  const out = new Uint8Array(at + insert.length + rest.length);
  out.set(bytes.subarray(0, at));
  out.set(insert, at);
  out.set(rest, at + insert.length);
  return out;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Numbers at which programs go wrong: ends of ranges of 8, 16, 32, 53 and 64 bits, and what lies beside them. */
export const borders: readonly bigint[] = [
  ...[0n, 1n, 2n, 3n, 7n, 8n, 16n, 64n, 100n, 127n, 128n, 255n, 256n, 1000n, 4096n],
  ...[15n, 16n, 24n, 30n, 31n, 32n, 33n, 40n, 52n, 53n, 62n, 63n, 64n].flatMap((bits) => {
    const power = 1n << bits;
    return [power - 1n, power, power + 1n];
  }),
].filter((value) => value < 1n << 64n);

type Mutation = (bytes: Uint8Array, at: number, dice: Random) => Uint8Array;

const randomBytes = (dice: Random, length: number) => Uint8Array.from({ length }, () => dice.below(256));

const mutations: readonly Mutation[] = [
  // A bit, a byte, an extreme byte.
  (bytes, at, dice) => splice(bytes, at, 1, Uint8Array.of((bytes[at] as number) ^ (1 << dice.below(8)))),
  (bytes, at, dice) => splice(bytes, at, 1, Uint8Array.of(dice.below(256))),
  (bytes, at, dice) => splice(bytes, at, 1, Uint8Array.of(oneOf(dice, [0, 1, 0x7f, 0x80, 0xfe, 0xff]))),
  // A number of 2, 4 or 8 bytes, in both orders.
  (bytes, at, dice) => splice(bytes, at, 8, integer(dice)),
  // Bytes that are too many, too few, or there twice.
  (bytes, at, dice) => splice(bytes, at, 1, new Uint8Array(1 + dice.below(12)).fill(0xff)),
  (bytes, at, dice) => splice(bytes, at, 1 + dice.below(20), new Uint8Array(0)),
  (bytes, at, dice) => splice(bytes, at, 0, randomBytes(dice, 1 + dice.below(20))),
  (bytes, at, dice) => splice(bytes, at, 0, bytes.subarray(at, at + 1 + dice.below(200))),
  // Cut off; a part of the file over another.
  (bytes, at) => bytes.slice(0, at),
  (bytes, at, dice) => {
    const from = dice.below(bytes.length);
    return splice(bytes, at, 1 + dice.below(64), bytes.subarray(from, from + 1 + dice.below(64)));
  },
];

function integer(dice: Random): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  const value = oneOf(dice, borders);
  const little = onceIn(dice, 2);
  const size = oneOf(dice, [2, 4, 8]);
  if (size === 2) view.setUint16(0, Number(value & 0xffffn), little);
  else if (size === 4) view.setUint32(0, Number(value & 0xffffffffn), little);
  else view.setBigUint64(0, value, little);
  return new Uint8Array(view.buffer, 0, size);
}

/**
 * A file with one to four places changed.
 * @param places where changes are worth while; anywhere when left out
 */
export function mutateBytes(bytes: Uint8Array, dice: Random, places?: readonly number[]): Uint8Array {
  let out = bytes;
  for (let left = 1 + (onceIn(dice, 3) ? dice.below(4) : 0); left > 0 && out.length > 0; left--) {
    const at = Math.min(out.length - 1, places ? oneOf(dice, places) : dice.below(out.length));
    out = oneOf(dice, mutations)(out, at, dice);
  }
  return out;
}
