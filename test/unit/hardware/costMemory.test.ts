import { describe, expect, it } from "vitest";
import { activationBytes, storedBits, weightBytes, weightMemory } from "../../../src/core/hardware/costMemory.ts";
import { conv, device } from "./support.ts";

describe("weight memory", () => {
  it("counts packed weights, a scale for each output channel and the bias", () => {
    // 1,152 weights * 3 bits / 8 = 432; 16 scales * 4; 16 biases * 4
    expect(weightMemory(conv(), 3, device())).toEqual({
      weights: 432,
      scales: 64,
      zeroPoints: 0,
      bias: 64,
      total: 560,
    });
  });

  it("rounds the last byte of packed weights up", () => {
    // 9 weights * 3 bits = 27 bits = 4 bytes
    const tiny = conv({ params: 9, weightShape: [1, 1, 3, 3], biasParams: 0 });
    expect(weightMemory(tiny, 3, device()).weights).toBe(4);
  });

  it("stores bits between 2, 4 and 8 in the next of them when the device has containers", () => {
    expect([2, 3, 4, 5, 6, 7, 8].map((bits) => storedBits(bits as 2, "container"))).toEqual([2, 4, 4, 8, 8, 8, 8]);
    const profile = device({ memory: { weightPacking: "container" } });
    expect(weightMemory(conv(), 3, profile).weights).toBe(576);
    expect(weightMemory(conv(), 5, profile).weights).toBe(1152);
  });

  it("starts weights, scales, zero points and bias each at a multiple of the alignment", () => {
    const profile = device({ memory: { weightAlignmentBytes: 48, zeroPointBytes: 1 } });
    // 432 = 9 * 48; 64 -> 96; 16 -> 48; 64 -> 96
    expect(weightMemory(conv(), 3, profile)).toEqual({
      weights: 432,
      scales: 96,
      zeroPoints: 48,
      bias: 96,
      total: 672,
    });
  });

  it("pays nothing for a bias that is not there, aligned or not", () => {
    const profile = device({ memory: { weightAlignmentBytes: 64, scaleBytes: 0 } });
    expect(weightBytes(conv({ biasParams: 0 }), 4, profile)).toBe(576);
  });

  it("counts one scale for each output channel along the channel axis, whichever it is", () => {
    const matmul = conv({ opType: "MatMul", weightShape: [144, 8], channelAxis: 1 });
    expect(weightMemory(matmul, 8, device()).scales).toBe(32);
  });

  it("holds a float layer as the model stores it, without scales", () => {
    expect(weightMemory(conv(), null, device())).toEqual({
      weights: 4608,
      scales: 0,
      zeroPoints: 0,
      bias: 64,
      total: 4672,
    });
    const half = conv({ floatBytes: 2304 });
    expect(weightMemory(half, null, device())).toMatchObject({ weights: 2304, bias: 32 });
  });

  it("never grows when bits get fewer", () => {
    for (const weightPacking of ["packed", "container"] as const) {
      const profile = device({ memory: { weightPacking, weightAlignmentBytes: 32 } });
      const sizes = ([2, 3, 4, 5, 6, 7, 8] as const).map((bits) => weightBytes(conv(), bits, profile));
      expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
    }
  });
});

describe("activation bytes", () => {
  it("are elements times bits, rounded up to a byte", () => {
    expect(activationBytes(3, 4)).toBe(2);
    expect(activationBytes(100, 8)).toBe(100);
    expect(activationBytes(100, 16)).toBe(200);
  });

  it("are 4 an element in float", () => expect(activationBytes(100, null)).toBe(400));
});
