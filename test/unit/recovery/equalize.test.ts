import { describe, expect, it } from "vitest";
import type { Dataset } from "../../../src/core/data/dataset.ts";
import { discoverLayers, quantizableSites } from "../../../src/core/model/discover.ts";
import { readWeight } from "../../../src/core/model/readWeight.ts";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import type { OnnxModel } from "../../../src/core/onnx/model.ts";
import { CandidateWeights, roundToNearest } from "../../../src/core/pipeline/candidates.ts";
import { MixEvaluator } from "../../../src/core/pipeline/mix.ts";
import { prepareModel } from "../../../src/core/pipeline/prepare.ts";
import { equalizeChannels } from "../../../src/core/recovery/equalize.ts";
import { unrecoveredWeights } from "../../../src/core/recovery/unrecovered.ts";
import { distance, inference, noisy, numbers, run } from "../../support/ortRun.ts";
import {
  type Constant,
  constant,
  floats,
  type TinyModel,
  tinyModel,
  tinyStore,
  weight,
} from "../../support/tinyModel.ts";

const pads = attribute.ints("pads", [1, 1, 1, 1]);
const input = noisy([2, 3, 8, 8]);

/** Channels whose weights differ by factors, as they do after folding batch normalization. */
function uneven(dims: readonly number[], seed: number): Constant {
  const { data, ...rest } = weight(dims, seed);
  const perChannel = data.length / (dims[0] as number);
  return {
    ...rest,
    data: Float32Array.from(data as Float32Array, (v, i) => v * 4 ** ((Math.floor(i / perChannel) % 5) - 2)),
  };
}

/** Conv, `between`, depthwise Conv, Relu, Conv, from a to y. */
function chain(between: TinyModel["nodes"], more: Partial<TinyModel> = {}, store = tinyStore()): OnnxModel {
  const spec: TinyModel = {
    inputs: { x: ["n", 3, 8, 8] },
    outputs: ["y"],
    constants: {
      w: uneven([6, 3, 3, 3], 1),
      b: weight([6], 2),
      d: uneven([6, 1, 3, 3], 3),
      c: weight([6], 4),
      p: uneven([4, 6, 1, 1], 5),
      zero: floats([0], []),
      six: floats([6], []),
    },
    nodes: [
      node("Conv", ["x", "w", "b"], ["a"], { attributes: [pads] }),
      ...between,
      node("Conv", ["r", "d", "c"], ["e"], { attributes: [pads, attribute.int("group", 6)] }),
      node("Relu", ["e"], ["f"]),
      node("Conv", ["f", "p"], ["y"]),
    ],
    ...more,
  };
  return tinyModel(spec, store);
}

/** All noise, one batch. */
const noiseSet: Pick<Dataset, "samples" | "batch"> = {
  samples: 2,
  batch: async () => ({ samples: 2, feeds: { x: input } }),
};

async function weightsOf(model: OnnxModel): Promise<Float32Array[]> {
  const sites = quantizableSites(await discoverLayers(model));
  return Promise.all(sites.map((site) => readWeight(model.tensors, site.chain)));
}

const largest = (values: readonly number[]) => Math.max(...values.map(Math.abs));

async function expectSameFunction(before: OnnxModel, after: OnnxModel): Promise<void> {
  const [{ y: expected }, { y }] = [await run(before, { x: input }), await run(after, { x: input })];
  expect(distance(y, expected) / largest(numbers(expected))).toBeLessThan(1e-5);
}

describe("cross-layer equalization", () => {
  it.each(["Relu", "LeakyRelu", "Identity"])(
    "gives a channel the same largest weight on both sides, and changes nothing else: through %s",
    async (opType) => {
      const model = chain([node(opType, ["a"], ["r"])]);
      const before = await weightsOf(model);
      const { model: equalized, pairs } = await equalizeChannels(model);
      expect(pairs).toBe(2);
      await expectSameFunction(model, equalized);
      expect(await weightsOf(model)).toEqual(before);
      const [w, d, p] = (await weightsOf(equalized)) as [Float32Array, Float32Array, Float32Array];
      for (let c = 0; c < 6; c++) {
        const own = largest([...w.subarray(c * 27, (c + 1) * 27)]);
        const middle = largest([...d.subarray(c * 9, (c + 1) * 9)]);
        const read = largest([0, 1, 2, 3].map((o) => p[o * 6 + c] as number));
        // The chain's three ranges come together, pair by pair.
        expect(middle / own).toBeCloseTo(1, 1);
        expect(read / middle).toBeCloseTo(1, 1);
      }
    },
  );

  it("leaves names as they are, also those of weights in Constant nodes", async () => {
    const store = tinyStore();
    const held = constant(store, "held", uneven([6, 3, 3, 3], 1));
    const value = node("Constant", [], ["w"], { attributes: [attribute.tensor("value", held)] });
    const relu = node("Relu", ["a"], ["r"]);
    const model = chain([relu], {}, store);
    model.graph.initializer = model.graph.initializer.filter(({ name }) => name !== "w");
    model.graph.node.unshift(value);
    const { model: equalized, pairs } = await equalizeChannels(model);
    expect(pairs).toBe(2);
    await expectSameFunction(model, equalized);
    const names = async (of: OnnxModel) => (await discoverLayers(of)).layers.map(({ name }) => name);
    expect(await names(equalized)).toEqual(await names(model));
  });

  it("keeps a nearly dead channel's factor within its bound, over all passes", async () => {
    const model = tinyModel({
      inputs: { x: ["n", 1, 2, 2] },
      outputs: ["y"],
      constants: {
        w: floats([1e-7, 1], [2, 1, 1, 1]),
        b: floats([0.5, 0.1], [2]),
        v: floats([1, 1], [1, 2, 1, 1]),
      },
      nodes: [node("Conv", ["x", "w", "b"], ["a"]), node("Relu", ["a"], ["r"]), node("Conv", ["r", "v"], ["y"])],
    });
    const { model: equalized, pairs } = await equalizeChannels(model);
    expect(pairs).toBe(1);
    const [w] = await weightsOf(equalized);
    expect((w as Float32Array)[0]).toBeCloseTo(32e-7, 10);
  });

  it("goes through pools", async () => {
    const model = chain([
      node("Relu", ["a"], ["q"]),
      node("MaxPool", ["q"], ["r"], { attributes: [attribute.ints("kernel_shape", [2, 2])] }),
    ]);
    const { model: equalized, pairs } = await equalizeChannels(model);
    expect(pairs).toBe(2);
    await expectSameFunction(model, equalized);
  });

  it("leaves what a bound or a curve is between: ReLU6, Sigmoid", async () => {
    for (const between of [node("Clip", ["a", "zero", "six"], ["r"]), node("Sigmoid", ["a"], ["r"])]) {
      const model = chain([between]);
      const { model: equalized, pairs } = await equalizeChannels(model);
      expect(pairs).toBe(1);
      await expectSameFunction(model, equalized);
    }
  });

  it("leaves what another node reads too, and what the graph gives out", async () => {
    const branch = chain([node("Relu", ["a"], ["r"]), node("Relu", ["a"], ["z"])]);
    expect((await equalizeChannels(branch)).pairs).toBe(1);
    const given = chain([node("Relu", ["a"], ["r"])], { outputs: ["y", "r"] });
    expect((await equalizeChannels(given)).pairs).toBe(1);
  });

  it("leaves a weight that two layers share", async () => {
    const model = tinyModel({
      inputs: { x: ["n", 3, 8, 8] },
      outputs: ["y"],
      constants: { w: uneven([3, 3, 1, 1], 1) },
      nodes: [node("Conv", ["x", "w"], ["a"]), node("Relu", ["a"], ["r"]), node("Conv", ["r", "w"], ["y"])],
    });
    expect(await equalizeChannels(model)).toEqual({ model, pairs: 0 });
  });

  it("takes no factor from a channel that is dead on one side", async () => {
    const model = chain([node("Relu", ["a"], ["r"])], {
      constants: {
        w: { dims: [6, 3, 3, 3], data: (weight([6, 3, 3, 3], 1).data as Float32Array).map((v, i) => (i < 27 ? 0 : v)) },
        b: weight([6], 2),
        d: uneven([6, 1, 3, 3], 3),
        c: weight([6], 4),
        p: {
          dims: [4, 6, 1, 1],
          data: (weight([4, 6, 1, 1], 5).data as Float32Array).map((v, i) => (i % 6 === 1 ? 0 : v)),
        },
      },
    });
    const { model: equalized } = await equalizeChannels(model);
    await expectSameFunction(model, equalized);
    for (const values of await weightsOf(equalized)) for (const v of values) expect(Number.isFinite(v)).toBe(true);
  });
});

describe("what an equalized model would be without recovery", () => {
  it("is the file's own weights, rounded to the nearest", async () => {
    const model = chain([node("Relu", ["a"], ["r"])]);
    const nmseOf = async (equalize: boolean) => {
      const prepared = await prepareModel(model, { inference, equalize });
      const options = { inference, activations: new Map(), samples: 2, batch: 2 };
      const weights = unrecoveredWeights(prepared);
      const evaluator = await MixEvaluator.open(prepared, noiseSet, { ...options, weights }, () => {});
      const three = new Map(prepared.discovery.layers.map(({ name }) => [name, 3] as const));
      const own = await evaluator.evaluate(three);
      const rounded = await evaluator.evaluate(three, undefined, new CandidateWeights(prepared, roundToNearest));
      await evaluator.close();
      return { own: own.nmse, rounded: rounded.nmse };
    };
    const plain = await nmseOf(false);
    const equalized = await nmseOf(true);
    expect(equalized.own / plain.own).toBeCloseTo(1, 3);
    expect(plain.own).toBe(plain.rounded);
    expect(equalized.rounded / plain.rounded).not.toBeCloseTo(1, 1);
  });
});
