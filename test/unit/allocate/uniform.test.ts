import { describe, expect, it } from "vitest";
import { CostTable } from "../../../src/core/allocate/costTable.ts";
import { uniformBits } from "../../../src/core/allocate/uniform.ts";
import { conv, device } from "../hardware/support.ts";

describe("uniform bits", () => {
  const layers = [
    conv({ name: "conv" }),
    conv({ name: "gemm", opType: "Gemm" }),
    conv({ name: "narrow", opType: "MatMul" }),
    conv({ name: "pinned" }),
    conv({ name: "float", floatReason: "excluded in the plan" }),
  ];
  const profile = device({ operators: { Gemm: { weightBits: [2, 6, 8] }, MatMul: { weightBits: [2, 4] } } });
  const table = new CostTable({ layers, profile, limits: {}, activationBits: 8, pins: new Map([["pinned", 3]]) });

  it("are n everywhere, or the next wider, or the widest; pins stay", () => {
    expect(Object.fromEntries(uniformBits(table, 5))).toEqual({ conv: 5, gemm: 6, narrow: 4, pinned: 3 });
    expect(Object.fromEntries(uniformBits(table, 2))).toEqual({ conv: 2, gemm: 2, narrow: 2, pinned: 3 });
    expect(Object.fromEntries(uniformBits(table, 8))).toEqual({ conv: 8, gemm: 8, narrow: 4, pinned: 3 });
  });

  it("are the same for layers that share them", () => {
    const shared = new CostTable({ layers, profile, limits: {}, activationBits: 8, sharing: [["conv", "gemm"]] });
    expect(Object.fromEntries(uniformBits(shared, 4))).toEqual({ conv: 6, gemm: 6, narrow: 4, pinned: 4 });
  });
});
