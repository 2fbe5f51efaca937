import { describe, expect, it } from "vitest";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import { prepareModel } from "../../../src/core/pipeline/prepare.ts";
import { collectHessians } from "../../../src/core/recovery/hessians.ts";
import { blockColumns } from "../../../src/core/recovery/moments.ts";
import { inference } from "../../support/ortRun.ts";
import { noise, tinyModel, weight } from "../../support/tinyModel.ts";
import { samplesOf } from "../pipeline/support.ts";
import { denseLayout, gramOf } from "./support.ts";

const mlp = () =>
  tinyModel({
    inputs: { x: ["batch", 5] },
    outputs: ["y"],
    constants: { w: weight([5, 4], 1), v: weight([4, 3], 2) },
    nodes: [
      node("MatMul", ["x", "w"], ["a"], { name: "first" }),
      node("Relu", ["a"], ["r"]),
      node("MatMul", ["r", "v"], ["y"], { name: "second" }),
    ],
  });

const options = { samples: 40, batch: 16, threads: 1 };

function rowsOf(samples: number, size: number): Float32Array[] {
  return Array.from({ length: samples }, (_, i) => noise(size, i + 1));
}

describe("moments of layers' inputs", () => {
  it("are those of all samples, whatever the batch", async () => {
    const prepared = await prepareModel(mlp(), { inference });
    const rows = rowsOf(40, 5);
    const store = await collectHessians(prepared, samplesOf("x", rows, [5]), inference, options, () => {});
    const x = Float64Array.from({ length: 5 * 40 }, (_, i) => rows[i % 40]?.[Math.floor(i / 40)] ?? 0);
    const expected = gramOf(x, 5, 40);
    const found = store.get("first");
    expect(found).toMatchObject({ count: 40, block: 5, blocks: 1 });
    for (let i = 0; i < 25; i++) expect(found?.second[i]).toBeCloseTo(expected[i] as number, 5);
    for (let k = 0; k < 5; k++) {
      const mean = rows.reduce((sum, row) => sum + (row[k] as number) / 40, 0);
      expect(found?.mean[k]).toBeCloseTo(mean, 5);
    }
    expect(store.get("second")?.second.length).toBe(16);
  });

  it("are one small matrix a channel for a depthwise convolution, the same for the same seed", async () => {
    const model = tinyModel({
      inputs: { x: ["batch", 3, 16, 16] },
      outputs: ["y"],
      constants: { w: weight([3, 1, 3, 3], 1) },
      nodes: [
        node("Conv", ["x", "w"], ["y"], {
          name: "dw",
          attributes: [attribute.int("group", 3), attribute.ints("pads", [1, 1, 1, 1])],
        }),
      ],
    });
    const prepared = await prepareModel(model, { inference, dims: { batch: 1 } });
    const set = samplesOf("x", rowsOf(4, 3 * 256), [3, 16, 16]);
    const collect = (seed: number) =>
      collectHessians(prepared, set, inference, { ...options, samples: 4, seed }, () => {});
    const found = (await collect(1)).get("dw");
    expect(found?.layout).toMatchObject({ groups: 3, columns: 9 });
    expect(found?.second.length).toBe(3 * 81);
    expect((await collect(1)).get("dw")).toEqual(found);
    expect((await collect(2)).get("dw")?.second).not.toEqual(found?.second);
  });

  it("take more passes over the samples where there is less memory for sums, and are the same", async () => {
    const ample = await prepareModel(mlp(), { inference });
    const set = samplesOf("x", rowsOf(40, 5), [5]);
    const collect = async (memory: number) => {
      let passes = 0;
      const prepared = { ...ample, memory };
      const store = await collectHessians(prepared, set, inference, options, ({ done }) => {
        if (done === 0) passes++;
      });
      return { passes, store };
    };
    const usual = await collect(ample.memory);
    // An eighth of it is for the matrices of both layers, (25 + 16) * 4 bytes, but not for both their sums of 8 bytes.
    const small = await collect(8 * 200);
    expect([usual.passes, small.passes]).toEqual([1, 2]);
    expect(small.store.get("first")).toEqual(usual.store.get("first"));
  });

  it("of a layer with many inputs are of smaller blocks where there is less memory for them", async () => {
    const wide = tinyModel({
      inputs: { x: ["batch", 200] },
      outputs: ["y"],
      constants: { w: weight([200, 3], 1) },
      nodes: [node("MatMul", ["x", "w"], ["y"], { name: "wide" })],
    });
    const ample = await prepareModel(wide, { inference });
    const set = samplesOf("x", rowsOf(40, 200), [200]);
    const blockIn = async (memory: number) => {
      const store = await collectHessians({ ...ample, memory }, set, inference, options, () => {});
      return store.get("wide")?.block;
    };
    expect(await blockIn(ample.memory)).toBe(200);
    expect(await blockIn(8 * 2 * 100 ** 2 * 4)).toBe(100);
  });

  it("are left out where a sample has a value that is none, or where sums overflow", async () => {
    const prepared = await prepareModel(mlp(), { inference });
    for (const bad of [Number.NaN, 1e30]) {
      const rows = rowsOf(40, 5);
      (rows[7] as Float32Array)[2] = bad;
      const store = await collectHessians(prepared, samplesOf("x", rows, [5]), inference, options, () => {});
      expect([...store.keys()]).toEqual([]);
    }
  });

  it("stop when cancelled", async () => {
    const prepared = await prepareModel(mlp(), { inference });
    const set = samplesOf("x", rowsOf(40, 5), [5]);
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(collectHessians(prepared, set, inference, options, () => {}, signal)).rejects.toThrow("enough");
  });
});

describe("the blocks of a Hessian", () => {
  it("are the whole matrix for usual layers, and bounded for large ones", () => {
    expect(blockColumns(denseLayout(64, 576))).toBe(576);
    expect(blockColumns(denseLayout(512, 4608))).toBe(922);
    // VGG's first dense layer.
    expect(blockColumns(denseLayout(4096, 25_088))).toBeLessThan(200);
    expect(blockColumns(denseLayout(64, 576), 100)).toBe(96);
  });
});
