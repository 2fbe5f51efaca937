import { describe, expect, it } from "vitest";
import { decisionsOf } from "../../../src/core/allocate/decisionGroups.ts";
import { SigmaQuantError } from "../../../src/core/errors.ts";
import type { Bits, HardwareProfile } from "../../../src/core/hardware/profile.ts";
import type { Layer } from "../../../src/core/model/layer.ts";
import { conv, device } from "../hardware/support.ts";

const layers = ["a", "b", "c", "d"].map((name) => conv({ name }));

interface Case {
  readonly layers?: readonly Layer[];
  readonly profile?: HardwareProfile;
  readonly candidates?: readonly Bits[];
  readonly pins?: Readonly<Record<string, Bits | null>>;
  readonly sharing?: readonly (readonly string[])[];
}

function decide(of: Case) {
  const { candidates, pins = {}, sharing = [], profile = device() } = of;
  return decisionsOf(of.layers ?? layers, profile, candidates, new Map(Object.entries(pins)), sharing);
}

function refusal(of: Case): SigmaQuantError {
  try {
    decide(of);
  } catch (error) {
    if (error instanceof SigmaQuantError) return error;
    throw error;
  }
  throw new Error("accepted");
}

describe("decision groups", () => {
  it("are the layers themselves where nothing is shared", () => {
    const { groups, fixed } = decide({ candidates: [4, 8] });
    expect(groups).toEqual(["a", "b", "c", "d"].map((name) => ({ layers: [name], bits: [4, 8] })));
    expect(fixed.size).toBe(0);
  });

  it("join lists that have a layer in common, in the order of the model", () => {
    const sharing = [
      ["d", "b"],
      ["c", "d"],
    ];
    expect(decide({ sharing }).groups.map((group) => group.layers)).toEqual([["a"], ["b", "c", "d"]]);
  });

  it("may have the bits that all their layers may have", () => {
    const mixed = [conv({ name: "a", opType: "Gemm" }), conv({ name: "b" })];
    const profile = device({ operators: { Gemm: { weightBits: [4, 8] }, Conv: { weightBits: [2, 4, 6, 8] } } });
    expect(decide({ layers: mixed, profile, sharing: [["a", "b"]] }).groups).toEqual([
      { layers: ["a", "b"], bits: [4, 8] },
    ]);
  });

  it("name both layers when none suit both", () => {
    const mixed = [conv({ name: "a", opType: "Gemm" }), conv({ name: "b" })];
    const profile = device({ operators: { Gemm: { weightBits: [8] }, Conv: { weightBits: [2, 4] } } });
    const error = refusal({ layers: mixed, profile, sharing: [["a", "b"]] });
    expect(error.describe()).toBe(
      "a and b share their bits, but none suit both: 8 against 2, 4 (b). " +
        "Allow more bits, or take one of the layers out of sharedBits [SQ5204 no-shared-bits]",
    );
  });

  it("leave out layers in float: what can't be quantized, what the device runs in float, what has no candidate", () => {
    const mixed = [
      conv({ name: "a", floatReason: "weight is computed at run time" }),
      conv({ name: "b", opType: "MatMul" }),
      conv({ name: "c", opType: "Gemm" }),
      conv({ name: "d" }),
    ];
    const profile = device({ operators: { MatMul: { float: true }, Gemm: { weightBits: [8] } } });
    const { groups, fixed } = decide({ layers: mixed, profile, candidates: [2, 4], sharing: [["a", "b", "c", "d"]] });
    expect(groups).toEqual([{ layers: ["d"], bits: [2, 4] }]);
    expect(Object.fromEntries(fixed)).toEqual({ a: null, b: null, c: null });
  });

  it("tell which shared names are no layers: one profile serves many models", () => {
    const { groups, unmatched } = decide({ sharing: [["a", "stem"], ["head"]] });
    expect(groups.length).toBe(4);
    expect(unmatched).toEqual(["stem", "head"]);
  });
});

describe("pins", () => {
  it("fix a layer's bits, also beyond the candidates, and in float", () => {
    const { groups, fixed } = decide({ candidates: [2, 4], pins: { a: 7, b: null } });
    expect(Object.fromEntries(fixed)).toEqual({ a: 7, b: null });
    expect(groups.map((group) => group.layers)).toEqual([["c"], ["d"]]);
  });

  it("pin the whole group", () => {
    const { groups, fixed } = decide({ pins: { c: 4 }, sharing: [["a", "b", "c"]] });
    expect(Object.fromEntries(fixed)).toEqual({ a: 4, b: 4, c: 4 });
    expect(groups.map((group) => group.layers)).toEqual([["d"]]);
    expect(Object.fromEntries(decide({ pins: { c: null }, sharing: [["a", "c"]] }).fixed)).toEqual({
      a: null,
      c: null,
    });
  });

  it("on two layers of a group must agree; the error names both", () => {
    const sharing = [["a", "b", "c"]];
    expect(decide({ pins: { a: 4, c: 4 }, sharing }).fixed.size).toBe(3);
    const error = refusal({ pins: { a: 4, c: 8 }, sharing });
    expect(error.code).toBe("SQ5203");
    expect(error.message).toBe("a and c share their bits but are pinned to 4 and 8");
    expect(refusal({ pins: { a: 4, c: null }, sharing }).message).toContain("4 and float");
  });

  it("on a layer that is not there, that stays in float, or to bits that the device lacks are refused", () => {
    expect(refusal({ pins: { e: 4 } }).code).toBe("SQ5001");
    const float = [conv({ name: "a", floatReason: "weight is computed at run time" })];
    expect(refusal({ layers: float, pins: { a: 4 } }).code).toBe("SQ5201");
    expect(decide({ layers: float, pins: { a: null } }).fixed.get("a")).toBeNull();
    const error = refusal({ profile: device({ weightBits: [2, 4, 8] }), pins: { a: 3 } });
    expect(error.describe()).toBe(
      "a is pinned to 3 bits: on device, Conv has 2, 4, 8 (a). Choose one of 2, 4, 8, or remove the pin [SQ5202 pin-unsupported]",
    );
  });

  it("are refused where another layer of the group can't follow", () => {
    const mixed = [conv({ name: "a" }), conv({ name: "b", opType: "Gemm" })];
    const profile = device({ operators: { Gemm: { weightBits: [8] } } });
    const error = refusal({ layers: mixed, profile, pins: { a: 4 }, sharing: [["a", "b"]] });
    expect(error.message).toBe(
      "a is pinned to 4 bits, and b, which shares its bits, can't have them: on device, Gemm has 8",
    );
  });
});
