import { type NodeProto, TensorProto_DataType as T } from "onnx-buf";
import type { Bits } from "../hardware/profile.ts";
import { attribute, node } from "../onnx/build.ts";
import type { GraphEdit } from "./edit.ts";

/** First opset in which every operator used here has the form that is written (ReduceSum takes its axes as an input). */
export const opsetOfPacking = 13;

/**
 * Bitwidths without an ONNX type of their own. Not 7: its groups of 56 bits come out wrong in ONNX Runtime (tried), whose int64
 * operators are not exact beyond 2^53, and an eighth is all that there would be to gain.
 */
const packable: ReadonlySet<Bits> = new Set<Bits>([3, 5, 6]);

export function isPackable(bits: Bits): boolean {
  return packable.has(bits);
}

/** The smallest group of weights that fills whole bytes. */
function groupOf(bits: Bits): { readonly values: number; readonly bytes: number } {
  const values = bits === 6 ? 4 : 8;
  return { values, bytes: (values * bits) / 8 };
}

/**
 * Signed b-bit integers in consecutive bits, the first in the lowest: groups of 8 weights in b bytes (6 bits: 4 in 3). Values are
 * stored as q + 2^(b-1); the last group is filled up with zeros.
 * @param q one integer an entry, in [-2^(b-1), 2^(b-1) - 1]
 */
export function packGroups(q: Int8Array, bits: Bits): Uint8Array {
  const group = groupOf(bits);
  const out = new Uint8Array(Math.ceil(q.length / group.values) * group.bytes);
  const offset = 2 ** (bits - 1);
  for (const [i, value] of q.entries()) {
    const at = i * bits;
    const byte = at >> 3;
    const shifted = (value + offset) << (at & 7);
    out[byte] = (out[byte] as number) | (shifted & 0xff);
    if (shifted > 0xff) out[byte + 1] = (out[byte + 1] as number) | (shifted >> 8);
  }
  return out;
}

/**
 * Unpacks weights of 3, 5 and 6 bits with standard operators over constants, which ONNX Runtime computes once, when a session
 * is created:
 *   bytes [G, B] -> Cast -> Mul 256^i -> ReduceSum [G, 1] -> Div 2^(b j) [G, V] -> Mod 2^b -> Sub 2^(b-1) -> Cast int8 -> Reshape
 * The constants of a bitwidth are shared by all layers that have it.
 */
export class Unpacker {
  private readonly shared = new Map<string, string>();

  constructor(private readonly edit: GraphEdit) {}

  /** @returns the nodes, the int8 value of shape `dims`, and the bytes of the packed constant */
  unpack(
    base: string,
    q: Int8Array,
    bits: Bits,
    dims: readonly number[],
    home: string,
  ): { readonly nodes: readonly NodeProto[]; readonly output: string; readonly bytes: number } {
    const { edit } = this;
    const group = groupOf(bits);
    // Four bytes and more do not fit in int32.
    const wide = group.bytes > 3;
    const type = wide ? T.INT64 : T.INT32;
    const packed = packGroups(q, bits);
    const stored = edit.constant(`${base}.packed`, T.UINT8, [packed.length / group.bytes, group.bytes], packed, home);
    const powers = (name: string, base2: number, count: number) =>
      this.numbers(
        `${name}.${bits}`,
        wide,
        Array.from({ length: count }, (_, i) => 2 ** (base2 * i)),
      );
    const nodes: NodeProto[] = [];
    const apply = (opType: string, inputs: readonly string[], attributes: Parameters<typeof node>[3] = {}): string => {
      const output = edit.fresh(`${base}.${opType.toLowerCase()}`);
      nodes.push(node(opType, inputs, [output], attributes));
      return output;
    };
    const castTo = (value: string, to: number) => apply("Cast", [value], { attributes: [attribute.int("to", to)] });
    const bytes = apply("Mul", [castTo(stored.name, type), powers("bytes", 8, group.bytes)]);
    const word = apply("ReduceSum", [bytes, this.numbers("axis", true, [1])]);
    const shifted = apply("Div", [word, powers("shifts", bits, group.values)]);
    const unsigned = apply("Mod", [shifted, this.numbers(`modulus.${bits}`, wide, [2 ** bits])]);
    const signed = apply("Sub", [unsigned, this.numbers(`offset.${bits}`, wide, [2 ** (bits - 1)])]);
    const flat = apply("Reshape", [castTo(signed, T.INT8), this.numbers("flat", true, [-1])]);
    const padded = (packed.length / group.bytes) * group.values !== q.length;
    const exact = padded
      ? apply("Slice", [flat, this.numbers("start", true, [0]), this.numbers(`end.${q.length}`, true, [q.length])])
      : flat;
    const output = apply("Reshape", [exact, this.numbers(`dims.${dims.join("x")}`, true, dims)]);
    return { nodes, output, bytes: packed.length };
  }

  /** A vector of integers, made once. */
  private numbers(name: string, wide: boolean, values: readonly number[]): string {
    const key = `${name}.${wide ? 64 : 32}`;
    const known = this.shared.get(key);
    if (known !== undefined) return known;
    const data = wide ? BigInt64Array.from(values, BigInt) : Int32Array.from(values);
    const made = this.edit.constant(`unpack.${name}`, wide ? T.INT64 : T.INT32, [values.length], data).name;
    this.shared.set(key, made);
    return made;
  }
}
