import { describe, expect, it } from "vitest";
import { node } from "../../../src/core/onnx/build.ts";
import { searchDrop, simulatedAccuracy } from "../../../src/core/pipeline/drop.ts";
import { expectedDrop } from "../../../src/core/pipeline/expectedDrop.ts";
import { affordableSamples, largestCutBytes, memoryFor, outputBytes } from "../../../src/core/pipeline/heldMemory.ts";
import { lossOf, totalLoss, weightLosses } from "../../../src/core/pipeline/loss.ts";
import type { Accuracy, Baseline } from "../../../src/core/plan/types.ts";
import type { Tensor } from "../../../src/core/ports.ts";
import { OutputComparison } from "../../../src/core/sensitivity/outputs.ts";
import type { WeightStatistics } from "../../../src/core/sensitivity/types.ts";
import { tinyModel, weight } from "../../support/tinyModel.ts";
import { plan } from "../plan/support.ts";
import { prepared } from "./support.ts";

describe("the harm of a layer", () => {
  const loss = lossOf({ a: { 2: 0.5, 4: 0.1 } });

  it("is what was measured", () => {
    expect([loss("a", 2), loss("a", 4)]).toEqual([0.5, 0.1]);
  });

  it("where it was not measured is that of the next narrower bits", () => {
    expect([loss("a", 3), loss("a", 8)]).toEqual([0.5, 0.1]);
  });

  it("of an unknown layer is none", () => {
    expect(loss("b", 2)).toBe(0);
  });

  it("adds up over a plan; float harms nothing", () => {
    expect(
      totalLoss(
        new Map([
          ["a", 2 as const],
          ["b", null],
        ]),
        loss,
      ),
    ).toBe(0.5);
    expect(totalLoss(new Map([["a", null]]), loss)).toBe(0);
  });

  it("from the weights alone is normalized: 0 at 8 bits, growing to fewer", () => {
    const errors = ([2, 4, 8] as const).map((bits) => ({ bits, kl: 2 ** -bits, sqnrDb: 6 * bits, mse: 4 ** -bits }));
    const statistics: WeightStatistics = { sigma: 1, min: -1, max: 1, errors };
    const { a } = weightLosses(new Map([["a", statistics]]));
    expect(a?.[2]).toBeGreaterThan(a?.[4] ?? 9);
    expect(a?.[4]).toBeGreaterThan(a?.[8] ?? 9);
    expect(a?.[8]).toBeCloseTo(0, 9);
    expect(a?.[2]).toBeLessThanOrEqual(1);
  });
});

/** Scores of three classes for each sample, compared with a reference. */
function compared(
  scores: readonly number[],
  reference: readonly number[],
  labels?: readonly number[],
): OutputComparison {
  const tensor = (data: readonly number[]): Tensor => ({
    type: "float32",
    dims: [data.length / 3, 3],
    data: Float32Array.from(data),
  });
  const comparison = new OutputComparison();
  comparison.add("logits", [tensor(scores)], [tensor(reference)], labels);
  return comparison;
}

describe("the loss that the search keeps below its target", () => {
  const float = [9, 0, 0, 0, 9, 0];
  const own = compared(float, float, [0, 1]);

  it("is the loss of top-1", () => {
    expect(searchDrop(own, compared([9, 0, 0, 9, 0, 0], float, [0, 1]))).toBe(0.5);
  });

  it("is at least half of the changed predictions, as top-1 may rise by chance", () => {
    const wrong = compared(float, float, [0, 2]);
    expect(searchDrop(wrong, compared([9, 0, 0, 0, 0, 9], float, [0, 2]))).toBe(0.25);
  });

  it("without labels is the share of changed predictions", () => {
    expect(searchDrop(compared(float, float), compared([9, 0, 0, 9, 0, 0], float))).toBe(0.5);
  });

  it("of other outputs is the error energy", () => {
    const values = new OutputComparison();
    const tensor = (v: number): Tensor => ({ type: "float32", dims: [1], data: Float32Array.of(v) });
    values.add("values", [tensor(3)], [tensor(2)]);
    expect(searchDrop(values, values)).toBe(0.25);
    expect(simulatedAccuracy(values, values, 1, false)).toEqual({
      metric: "nmse",
      float: 0,
      quantized: 0.25,
      samples: 1,
      how: "simulated",
    });
  });

  it("is shown as top-1 with labels, as agreement without, marked where the samples are made up", () => {
    const mix = compared([9, 0, 0, 9, 0, 0], float, [0, 1]);
    expect(simulatedAccuracy(own, mix, 2, false)).toMatchObject({ metric: "top1", float: 1, quantized: 0.5 });
    const bare = compared([9, 0, 0, 9, 0, 0], float);
    expect(simulatedAccuracy(compared(float, float), bare, 2, true)).toMatchObject({
      metric: "agreement",
      float: 1,
      quantized: 0.5,
      synthetic: true,
    });
  });
});

describe("the loss expected of a plan", () => {
  const accuracy = (drop: number): Accuracy => ({
    metric: "top1",
    float: 0.9,
    quantized: 0.9 - drop,
    samples: 100,
    how: "simulated",
  });
  const baseline = (loss: number, drop: number): Baseline => ({
    bits: 4,
    weightMemory: 0,
    fits: true,
    loss,
    accuracy: accuracy(drop),
  });

  it("is unknown from fewer than two plans", () => {
    expect(expectedDrop([])).toBeUndefined();
    expect(expectedDrop([baseline(0.1, 0.01)])).toBeUndefined();
    expect(expectedDrop([{ bits: 4, weightMemory: 0, fits: true, loss: 1 }, baseline(0.1, 0.01)])).toBeUndefined();
  });

  it("is what is known at known plans, and between them on the logarithm of the sensitivity", () => {
    const expected = expectedDrop([baseline(1, 0.2), baseline(0.01, 0)]);
    expect(expected?.(1)).toBeCloseTo(0.2, 12);
    expect(expected?.(0.01)).toBeCloseTo(0, 12);
    expect(expected?.(0.1)).toBeCloseTo(0.1, 12);
  });

  it("outside of what is known stays at the nearest", () => {
    const expected = expectedDrop([baseline(1, 0.2), baseline(0.01, 0.01)]);
    expect(expected?.(100)).toBeCloseTo(0.2, 12);
    expect(expected?.(0)).toBeCloseTo(0.01, 12);
  });

  it("never falls with the sensitivity: of points out of order the average counts", () => {
    const expected = expectedDrop([baseline(0.001, 0.03), baseline(0.01, 0.01), baseline(1, 0.2)]);
    expect(expected?.(0.001)).toBeCloseTo(0.02, 12);
    expect(expected?.(0.01)).toBeCloseTo(0.02, 12);
    let last = 0;
    for (let loss = 1e-7; loss < 10; loss *= 1.5) {
      const drop = expected?.(loss) ?? -1;
      expect(drop).toBeGreaterThanOrEqual(last - 1e-12);
      last = drop;
    }
  });

  it("learns from decided plans too, and from losses of zero", () => {
    const decided = plan({
      certificate: { loss: 0, optimum: 0, bound: 0, gap: 0 },
      accuracy: accuracy(0),
    });
    const expected = expectedDrop([baseline(1, 0.2)], [decided]);
    expect(expected?.(0)).toBeCloseTo(0, 12);
    expect(expected?.(1)).toBeCloseTo(0.2, 12);
  });
});

describe("what is kept from one run to the next", () => {
  it("fits into its share of the memory, but for one sample, which always is kept", () => {
    const model = { memory: 4000 };
    expect(memoryFor("held", model)).toBe(1000);
    expect(affordableSamples(model, 100, 100)).toBe(10);
    expect(affordableSamples(model, 100, 1)).toBe(100);
    expect(affordableSamples(model, 100, 2000)).toBe(1);
    expect(affordableSamples(model, 100, 0)).toBe(100);
  });

  it("is the widest place of the network, in float", async () => {
    const model = await prepared(
      tinyModel({
        nodes: [node("MatMul", ["x", "w"], ["wide"]), node("Relu", ["wide"], ["r"]), node("MatMul", ["r", "v"], ["y"])],
        inputs: { x: [1, 4] },
        outputs: ["y"],
        constants: { w: weight([4, 32]), v: weight([32, 2], 2) },
      }),
    );
    expect(outputBytes(model)).toBe(2 * 4);
    expect(largestCutBytes(model, [0])).toBe(4 * 4);
    expect(largestCutBytes(model, [0, 2])).toBe(32 * 4);
    expect(largestCutBytes(model, [])).toBe(0);
  });
});
