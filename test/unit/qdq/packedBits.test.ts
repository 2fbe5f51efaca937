import { describe, expect, it } from "vitest";
import { random } from "../../../src/core/data/random.ts";
import type { Bits } from "../../../src/core/hardware/profile.ts";
import { packGroups } from "../../../src/core/qdq/packedBits.ts";

/** Reads b bits at a time, the first in the lowest, as the graph does. */
function unpacked(bytes: Uint8Array, bits: Bits, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    let value = 0;
    for (let b = 0; b < bits; b++) {
      const at = i * bits + b;
      value |= (((bytes[at >> 3] as number) >> (at & 7)) & 1) << b;
    }
    return value - 2 ** (bits - 1);
  });
}

describe("packing weights without an ONNX type", () => {
  for (const bits of [3, 5, 6] as const) {
    it(`keeps every ${bits}-bit integer in exactly ${bits} bits`, () => {
      const draw = random(bits);
      const half = 2 ** (bits - 1);
      for (const length of [1, 3, 4, 8, 9, 100]) {
        const q = Int8Array.from({ length }, () => draw.below(2 * half) - half);
        const bytes = packGroups(q, bits);
        expect(unpacked(bytes, bits, length)).toEqual([...q]);
        expect(bytes.length).toBeLessThan((length * bits) / 8 + bits);
      }
      expect(packGroups(new Int8Array(800), bits).length).toBe(100 * bits);
    });
  }
});
