import { describe, expect, it } from "vitest";
import { mixNote } from "../../../src/cli/mixNote.ts";
import type { ActivationBits, Bits, Budgets, HardwareProfile } from "../../../src/core/hardware/profile.ts";
import { node } from "../../../src/core/onnx/build.ts";
import { tinyModel, weight } from "../../support/tinyModel.ts";
import { fitOf, generic, prepared } from "../pipeline/support.ts";

const macs = 4 * 8;

/** What is said of one layer with weights of 2 bits. */
async function noted(limits: Budgets, activationBits: readonly ActivationBits[], more: Partial<HardwareProfile> = {}) {
  const model = await prepared(
    tinyModel({
      nodes: [node("MatMul", ["x", "a"], ["y"], { name: "only" })],
      inputs: { x: [1, 4] },
      outputs: ["y"],
      constants: { a: weight([4, 8]) },
    }),
  );
  const fit = await fitOf(model, { limits, profile: { ...(await generic()), activationBits, ...more } });
  const bits = new Map<string, Bits>([["only", 2]]);
  return mixNote({ fit, proposal: { bits, trace: [], notes: [] } });
}

/** Bit operations at 4-bit activations; at 8 bits it is twice as many. */
const fewest = macs * 2 * 4;

describe("a note on activations' bits", () => {
  it("is there where the fewest of them keep the budget", async () => {
    expect(await noted({ bops: fewest }, [4, 8])).toEqual([
      "With activations of 4 bits this plan would fit: --mix-activations chooses the bits of each",
    ]);
  });

  it("is not there where they don't, or the device has none, or nothing is exceeded", async () => {
    expect(await noted({ bops: fewest - 1 }, [4, 8])).toEqual([]);
    expect(await noted({ bops: fewest }, [8, 16])).toEqual([]);
    expect(await noted({ bops: 2 * fewest }, [4, 8])).toEqual([]);
  });

  it("is not there where another budget is exceeded all the same", async () => {
    expect(await noted({ bops: fewest, weightMemory: 1 }, [4, 8])).toEqual([]);
  });

  it("is not there where nobody knows how long they would take", async () => {
    const timed = (macsPerCycle: Readonly<Record<string, number>>) =>
      noted({ latency: 1e-9 }, [4, 8], { compute: { clockMHz: 1, macUnits: 1, macsPerCycle } });
    expect(await timed({ "2x8": 1 })).toEqual([]);
    expect(await timed({ "2x8": 1, "2x4": 1e6 })).toHaveLength(1);
  });
});
