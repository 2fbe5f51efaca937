import { describe, expect, it } from "vitest";
import type { Dataset } from "../../../src/core/data/dataset.ts";
import type { Bits } from "../../../src/core/hardware/profile.ts";
import { node } from "../../../src/core/onnx/build.ts";
import { modelBytes } from "../../../src/core/onnx/write.ts";
import { chooseActivations } from "../../../src/core/pipeline/activationRanges.ts";
import { activationQuantizations, calibrate } from "../../../src/core/pipeline/calibrate.ts";
import { CandidateWeights, roundToNearest } from "../../../src/core/pipeline/candidates.ts";
import { evaluateSessions } from "../../../src/core/pipeline/evaluate.ts";
import { MixEvaluator } from "../../../src/core/pipeline/mix.ts";
import { activationNames } from "../../../src/core/pipeline/prepare.ts";
import { quantizedModel } from "../../../src/core/pipeline/quantizedModel.ts";
import { inference } from "../../support/ortRun.ts";
import { noise, tinyModel, weight } from "../../support/tinyModel.ts";
import { failure } from "../data/support.ts";
import { openResnet8, prepared, samplesOf } from "./support.ts";

const silent = () => {};
const bitsInTurn: readonly Bits[] = [8, 4, 2, 3, 6, 4, 8, 5, 2, 7];

describe("a mix of bits, run without writing it", () => {
  it.each([
    ["weights only", false],
    ["with activations", true],
  ])("gives what the written model gives: %s", async (_, quantizeActivations) => {
    const { prepared: model, weights, images } = await openResnet8();
    const set = await images(0, 24);
    const bits = new Map(model.discovery.layers.map(({ name }, i) => [name, bitsInTurn[i] as Bits]));
    const calibration = await calibrate(model, set, inference, { samples: 24, batch: 12 }, silent);
    const activations = quantizeActivations
      ? activationQuantizations(calibration, activationNames(model), 8, "minmax")
      : new Map();
    const evaluator = await MixEvaluator.open(
      model,
      set,
      { inference, weights, activations, samples: 24, batch: 12 },
      silent,
    );
    const mix = await evaluator.evaluate(bits);
    await evaluator.close();

    const written = await quantizedModel(model, weights, bits, activations, undefined, silent);
    const options = { optimization: "all", threads: 1, exactInt8: true } as const;
    const float = await inference.open(await modelBytes(model.model), options);
    const quantized = await inference.open(await modelBytes(written.model), options);
    const evaluation = await evaluateSessions(float, quantized, set, model.outputKind, { batch: 12 }, silent);
    await float.close();
    await quantized.close();

    expect(mix.nmse).toBeGreaterThan(1e-4);
    // Biases are rounded to int32 in the file, which is all the difference.
    expect(Math.abs(evaluation.nmse / mix.nmse - 1)).toBeLessThan(quantizeActivations ? 0.05 : 0.001);
    expect(Math.abs((evaluation.kl ?? 0) / (mix.kl ?? 1) - 1)).toBeLessThan(quantizeActivations ? 0.05 : 0.001);
    expect(Math.abs((evaluation.quantized.top1 ?? 0) - (mix.top1 ?? 1))).toBeLessThan(1.5 / 24);
    expect(evaluation.float.top1).toBe(evaluator.float.top1);
  });

  it("all in float is the float model", async () => {
    const { prepared: model, weights, images } = await openResnet8();
    const options = { inference, weights, activations: new Map(), samples: 8, batch: 3 };
    const evaluator = await MixEvaluator.open(model, await images(0, 8), options, silent);
    const mix = await evaluator.evaluate(new Map());
    expect(evaluator.samples).toBe(8);
    expect(mix.agreement).toBe(1);
    expect(mix.nmse).toBeLessThan(1e-9);
    await evaluator.close();
  });

  it("with fewer bits is further from float", async () => {
    const { prepared: model, weights, images } = await openResnet8();
    const options = { inference, weights, activations: new Map(), samples: 8, batch: 8 };
    const evaluator = await MixEvaluator.open(model, await images(0, 8), options, silent);
    const errors: number[] = [];
    for (const bits of [8, 4, 2] as const) {
      errors.push((await evaluator.evaluate(new Map(model.discovery.layers.map(({ name }) => [name, bits])))).nmse);
    }
    await evaluator.close();
    expect(errors).toEqual(errors.toSorted((a, b) => a - b));
    expect(errors[0]).toBeLessThan(0.001);
    expect(errors[2]).toBeGreaterThan(0.1);
  });

  it("can be stopped between batches", async () => {
    const { prepared: model, weights, images } = await openResnet8();
    const options = { inference, weights, activations: new Map(), samples: 4, batch: 2 };
    const evaluator = await MixEvaluator.open(model, await images(0, 4), options, silent);
    await expect(evaluator.evaluate(new Map(), AbortSignal.abort(new Error("stopped")))).rejects.toThrow("stopped");
    await evaluator.close();
  });
});

describe("two models side by side", () => {
  const options = { optimization: "all", threads: 1 } as const;
  const open = async (spec: Parameters<typeof tinyModel>[0]) =>
    inference.open(await modelBytes(tinyModel(spec)), options);
  const square = {
    nodes: [node("MatMul", ["x", "w"], ["y"])],
    inputs: { x: ["batch", 4] },
    constants: { w: weight([4, 4]) },
  };
  const set = samplesOf("x", [noise(4, 1), noise(4, 2)], [4]);

  it("of other shapes are refused, not compared as far as they go", async () => {
    const one = await open({ ...square, outputs: ["y"] });
    const other = await open({ ...square, outputs: ["y"], constants: { w: weight([4, 3]) } });
    const error = await failure(() => evaluateSessions(one, other, set, "values", { batch: 2 }, silent));
    expect(error.code).toBe("SQ1028");
    expect(error.message).toContain("[2, 4]");
    await one.close();
    await other.close();
  });

  it("count each sample once, also those that fill a fixed batch up again", async () => {
    const scores = [0, 1, 1].map((label) => Float32Array.of(1 - label, label));
    const three = samplesOf("x", scores, [2], [0, 1, 0]);
    const inTwos: Dataset = {
      ...three,
      // As a model that takes two has them: the second run begins with what the first ended with.
      batch: async (from) => {
        const repeated = from === 2 ? 1 : 0;
        return { ...(await three.batch(from - repeated, 2)), samples: 2 - repeated, ...(repeated && { repeated }) };
      },
    };
    const one = await open({ nodes: [node("Identity", ["x"], ["y"])], inputs: { x: ["batch", 2] }, outputs: ["y"] });
    const evaluation = await evaluateSessions(one, one, inTwos, "logits", { batch: 2 }, silent);
    expect(evaluation.float.top1).toBeCloseTo(2 / 3, 12);
    expect(evaluation.changed?.samples).toBe(3);
    await one.close();
  });

  it("a model beside itself has no error in any output", async () => {
    const one = await open({ ...square, outputs: ["y"] });
    const evaluation = await evaluateSessions(one, one, set, "values", { batch: 1 }, silent);
    expect(evaluation).toMatchObject({ samples: 2, nmse: 0, outputs: [{ name: "y", nmse: 0 }] });
    await one.close();
  });
});

describe("ranges of activations", () => {
  /** A detector: its few large activations are all that matters. */
  const peaks = () =>
    tinyModel({
      nodes: [node("MatMul", ["x", "w"], ["h"]), node("Relu", ["h"], ["r"]), node("MatMul", ["r", "v"], ["y"])],
      inputs: { x: ["batch", 16] },
      outputs: ["y"],
      constants: { w: weight([16, 16], 1, 0.1), v: weight([16, 4], 2, 0.1) },
    });
  const rows = Array.from({ length: 200 }, (_, i) => noise(16, i + 1).map((v) => (i === 0 ? v * 1000 : v * 0.01)));

  it("are found by the method that harms this network least", async () => {
    const model = await prepared(peaks());
    const set = samplesOf("x", rows, [16]);
    const weights = new CandidateWeights(model, roundToNearest);
    const calibration = await calibrate(model, set, inference, { samples: 200, batch: 50 }, silent);
    const names = activationNames(model);
    const trial = { inference, weights, batch: 50 };
    const choose = (choice: "auto" | "minmax" | "percentile" | "mse") =>
      chooseActivations(model, calibration, names, 8, choice, set, trial, silent);
    const harm = async (choice: "minmax" | "percentile" | "mse") => {
      const { activations } = await choose(choice);
      const evaluator = await MixEvaluator.open(model, set, { ...trial, activations, samples: 128 }, silent);
      const { nmse } = await evaluator.evaluate(new Map());
      await evaluator.close();
      return nmse;
    };
    const harms = { percentile: await harm("percentile"), mse: await harm("mse"), minmax: await harm("minmax") };
    const least = Object.entries(harms).sort(([, a], [, b]) => a - b)[0]?.[0];
    const chosen = await choose("auto");
    expect(chosen.range).toBe(least);
    // Clipping a thousandth of the values clips the one that matters.
    expect(harms.percentile).toBeGreaterThan(2 * harms.minmax);
    expect([...chosen.activations.keys()]).toEqual(names);
  });

  it("are those of the method that was asked for", async () => {
    const model = await prepared(peaks());
    const set = samplesOf("x", rows.slice(0, 20), [16]);
    const calibration = await calibrate(model, set, inference, { samples: 20, batch: 20 }, silent);
    const trial = { inference, weights: new CandidateWeights(model, roundToNearest), batch: 20 };
    const { range, activations } = await chooseActivations(model, calibration, ["x"], 8, "minmax", set, trial, silent);
    expect(range).toBe("minmax");
    const largest = Math.max(...rows.slice(0, 20).flatMap((row) => [...row]));
    const { scale, zeroPoint } = activations.get("x") ?? { scale: 0, zeroPoint: 0 };
    expect((255 - zeroPoint) * scale).toBeCloseTo(largest, -1);
  });
});
