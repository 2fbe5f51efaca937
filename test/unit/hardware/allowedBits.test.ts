import { describe, expect, it } from "vitest";
import { allowedBits, defaultActivationBits, deviceFloatReason } from "../../../src/core/hardware/allowedBits.ts";
import { conv, device } from "./support.ts";

describe("allowed bits", () => {
  const profile = device({
    weightBits: [2, 4, 8],
    operators: { Gemm: { weightBits: [4, 8] }, MatMul: { float: true } },
  });

  it("are the device's, or the operator's where it has its own", () => {
    expect(allowedBits(conv(), profile)).toEqual([2, 4, 8]);
    expect(allowedBits(conv({ opType: "Gemm" }), profile)).toEqual([4, 8]);
  });

  it("are only those that are candidates", () => {
    expect(allowedBits(conv(), profile, [3, 4, 8])).toEqual([4, 8]);
    expect(allowedBits(conv(), profile, [3])).toEqual([]);
  });

  it("are none for what stays in float", () => {
    expect(allowedBits(conv({ opType: "MatMul" }), profile)).toEqual([]);
    expect(allowedBits(conv({ floatReason: "weight is computed at run time" }), profile)).toEqual([]);
  });

  it("do not mix up operators with the properties of objects", () => {
    expect(allowedBits(conv({ opType: "constructor" }), profile)).toEqual([2, 4, 8]);
  });

  it("say in at most 40 characters why the device keeps an operator in float", () => {
    expect(deviceFloatReason("MatMul", profile)).toBe("MatMul runs in float on this device");
    expect(deviceFloatReason("Conv", profile)).toBeUndefined();
    const long = device({ operators: { AnOperatorWithALongNameIndeed: { float: true } } });
    expect(deviceFloatReason("AnOperatorWithALongNameIndeed", long)?.length).toBeLessThanOrEqual(40);
  });
});

describe("activation bits of a plan", () => {
  it("are 8 where the device has them, else the next wider, else the widest", () => {
    expect(defaultActivationBits(device({ activationBits: [4, 8, 16] }))).toBe(8);
    expect(defaultActivationBits(device({ activationBits: [4, 16] }))).toBe(16);
    expect(defaultActivationBits(device({ activationBits: [4] }))).toBe(4);
  });
});
