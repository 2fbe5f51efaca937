import type { Random } from "../../../src/core/data/random.ts";
import { borders, concat, mutateBytes, onceIn, oneOf } from "./mutateBytes.ts";

/** A field of a protobuf message, with its tag: `body` is what follows the tag (and the length). */
interface Field {
  readonly number: number;
  readonly wire: number;
  readonly body: Uint8Array;
}

/** Copies of a field, and depths of nesting, reach beyond the program's limits (src/core/onnx/limits.ts). */
const maxCopies = 3000;
const maxNesting = 200;
/** No mutated file is larger than its origin by more: the time of a case is the program's, not that of reading megabytes. */
const maxGrowth = 200_000;
/** Messages in messages that are looked into. */
const maxDepth = 12;

/**
 * A protobuf message with something changed inside it: a number, a length, a field twice or a thousand times, in another place, of
 * another kind, or inside itself. Lengths around it are mostly made right again, so that it is reached.
 */
export function mutateProtobuf(bytes: Uint8Array, dice: Random): Uint8Array {
  return mutateMessage(bytes, dice, 0) ?? mutateBytes(bytes, dice);
}

function mutateMessage(bytes: Uint8Array, dice: Random, depth: number): Uint8Array | undefined {
  const fields = fieldsOf(bytes);
  if (fields === undefined || fields.length === 0) return undefined;
  const index = dice.below(fields.length);
  const field = fields[index] as Field;
  if (field.wire === 2 && depth < maxDepth && !onceIn(dice, 4)) {
    const inner = mutateMessage(field.body, dice, depth + 1);
    if (inner) return joined(fields, index, [encode({ ...field, body: inner })]);
  }
  return joined(fields, index, oneOf(dice, changes)(field, dice, fields));
}

type Change = (field: Field, dice: Random, all: readonly Field[]) => readonly Uint8Array[];

const empty = new Uint8Array(0);

const changes: readonly Change[] = [
  // Another number or content.
  (field, dice) => [encode({ ...field, body: otherBody(field, dice) })],
  (field, dice) => [encode({ ...field, body: otherBody(field, dice) })],
  // A length that lies.
  (field, dice) => [
    concat([tag(field.number, 2), varint(oneOf(dice, borders)), field.wire === 2 ? field.body : empty]),
  ],
  // Missing, repeated, moved.
  () => [],
  (field, dice) => {
    const copy = encode(field);
    const most = Math.min(maxCopies, Math.floor(maxGrowth / copy.length) + 2);
    return Array.from({ length: 2 + dice.below(onceIn(dice, 3) ? most : 3) }, () => copy);
  },
  (field, dice, all) => [encode(oneOf(dice, all)), encode(field)],
  // Another field, another wire type.
  (field, dice) => [encode({ ...field, number: 1 + dice.below(30) })],
  (field, dice) => [concat([tag(field.number, dice.below(8)), field.body])],
  // Inside itself.
  (field, dice) => {
    if (field.wire !== 2) return [encode(field), encode(field)];
    let { body } = field;
    for (let left = 1 + dice.below(maxNesting); left > 0 && body.length < maxGrowth; left--) {
      body = encode({ ...field, body });
    }
    return [encode({ ...field, body })];
  },
  // Something that nobody knows.
  (field, dice) => [encode(field), encode({ number: 200 + dice.below(1000), wire: 2, body: randomText(dice) })],
];

function otherBody(field: Field, dice: Random): Uint8Array {
  switch (field.wire) {
    case 0:
      return varint(oneOf(dice, borders), onceIn(dice, 8) ? dice.below(12) : 0);
    case 1:
    case 5: {
      const view = new DataView(new ArrayBuffer(8));
      const value = oneOf(dice, [Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 1e-45, 3.4e38, 1e300]);
      if (field.wire === 1) view.setFloat64(0, value, true);
      else view.setFloat32(0, value, true);
      return new Uint8Array(view.buffer, 0, field.wire === 1 ? 8 : 4);
    }
    default: {
      const { body } = field;
      const text = new TextEncoder();
      return oneOf<() => Uint8Array>(dice, [
        () => empty,
        () => (body.length > 0 ? mutateBytes(body, dice) : randomText(dice)),
        () => (body.length < maxGrowth ? concat([body, body]) : body.slice(0, 100)),
        () => body.slice(0, dice.below(body.length + 1)),
        () => randomText(dice),
        () => text.encode(oneOf(dice, names)),
        () => concat(Array.from({ length: 1 + dice.below(40) }, () => varint(oneOf(dice, borders)))),
      ])();
    }
  }
}

/** Names that mean something to JavaScript, to file systems or to the program. */
const names = [
  "",
  "__proto__",
  "constructor",
  "toString",
  "../../../../etc/passwd",
  "/dev/zero",
  "a\0b",
  "a".repeat(70_000),
  "Conv",
  "Gemm",
  "MatMul",
  "If",
  "Loop",
  "Constant",
  "DequantizeLinear",
  "QuantizeLinear",
  "BatchNormalization",
  "Reshape",
  "Transpose",
];

function randomText(dice: Random): Uint8Array {
  return Uint8Array.from({ length: dice.below(60) }, () => dice.below(256));
}

/** Undefined where the bytes are no message. */
function fieldsOf(bytes: Uint8Array): readonly Field[] | undefined {
  const fields: Field[] = [];
  let at = 0;
  const readVarint = (): number | undefined => {
    let value = 0;
    for (let shift = 0; shift < 10; shift++) {
      const byte = bytes[at++];
      if (byte === undefined) return undefined;
      value += (byte & 0x7f) * 2 ** (7 * shift);
      if (byte < 0x80) return value;
    }
    return undefined;
  };
  while (at < bytes.length) {
    const key = readVarint();
    if (key === undefined || key > 2 ** 32) return undefined;
    const [number, wire] = [Math.floor(key / 8), key % 8];
    if (number === 0) return undefined;
    let start = at;
    if (wire === 0) {
      if (readVarint() === undefined) return undefined;
    } else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 2) {
      const length = readVarint();
      if (length === undefined) return undefined;
      start = at;
      at += length;
    } else return undefined;
    if (at > bytes.length) return undefined;
    fields.push({ number, wire, body: bytes.subarray(start, at) });
  }
  return fields;
}

function joined(fields: readonly Field[], index: number, instead: readonly Uint8Array[]): Uint8Array {
  return concat(fields.flatMap((field, i) => (i === index ? instead : [encode(field)])));
}

function encode({ number, wire, body }: Field): Uint8Array {
  return concat([tag(number, wire), ...(wire === 2 ? [varint(BigInt(body.length))] : []), body]);
}

function tag(number: number, wire: number): Uint8Array {
  return varint(BigInt(number * 8 + wire));
}

/** @param extra bytes that it is longer than it need be */
function varint(value: bigint, extra = 0): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  } while (rest > 0n);
  for (let i = 0; i < extra; i++) bytes.push(0x80);
  bytes.push((bytes.pop() as number) & 0x7f);
  return Uint8Array.from(bytes);
}
