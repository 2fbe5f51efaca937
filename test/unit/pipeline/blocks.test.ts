import { describe, expect, it } from "vitest";
import { layerCost } from "../../../src/core/hardware/cost.ts";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import { withBlocks } from "../../../src/core/pipeline/blocks.ts";
import { CandidateWeights, roundToNearest } from "../../../src/core/pipeline/candidates.ts";
import { prepareModel } from "../../../src/core/pipeline/prepare.ts";
import { weightStatistics } from "../../../src/core/sensitivity/weightStatistics.ts";
import { inference } from "../../support/ortRun.ts";
import { noise, tinyModel, weight } from "../../support/tinyModel.ts";
import { transformer } from "../../support/transformer.ts";
import { device } from "../hardware/support.ts";

const prepared = () => prepareModel(tinyModel(transformer()), { inference });

describe("a model on a device with blocks", () => {
  it("has them where a row of a matrix is longer, and nowhere else", async () => {
    const { discovery } = withBlocks(await prepared(), 32);
    expect(discovery.layers.filter((layer) => layer.blockSize !== undefined).map(({ name }) => name)).toEqual(["down"]);
    expect(discovery.sites.get("down")?.layer.blockSize).toBe(32);
    expect(discovery.sites.get("embed")?.layer.blockSize).toBeUndefined();
  });

  it("is looked at once, and is the model itself without blocks", async () => {
    const model = await prepared();
    expect(withBlocks(model, undefined)).toBe(model);
    expect(withBlocks(model, 128)).toBe(model);
    expect(withBlocks(model, 32)).toBe(withBlocks(model, 32));
  });

  it("keeps a scale for each output where its opset cannot be raised, and says so", async () => {
    const model = await prepareModel(
      tinyModel({
        opset: 9,
        inputs: { x: [2, 64] },
        outputs: ["y"],
        constants: { w: weight([64, 8]) },
        nodes: [
          node("MatMul", ["x", "w"], ["m"]),
          node("ScaledTanh", ["m"], ["y"], { attributes: [attribute.float("alpha", 2), attribute.float("beta", 0.5)] }),
        ],
      }),
      { inference },
    );
    const { discovery, notes } = withBlocks(model, 32);
    expect(discovery.layers[0]).not.toHaveProperty("blockSize");
    expect(notes.at(-1)).toContain("needs opset 21, which ScaledTanh cannot be raised to");
  });

  it("costs a scale for each block", async () => {
    const down = withBlocks(await prepared(), 32).discovery.sites.get("down")?.layer;
    if (down === undefined) throw new Error("no layer");
    const { blockSize: _, ...whole } = down;
    const bytes = (layer: typeof whole) => layerCost(layer, 4, 8, device()).weightMemory;
    // 32 outputs of 64 weights: two scales instead of one.
    expect(bytes(down) - bytes(whole)).toBe(32 * device().memory.scaleBytes);
  });

  it("has its own integers beside those of the model without", async () => {
    const model = await prepared();
    const weights = new CandidateWeights(model, roundToNearest);
    const blocked = weights.on(withBlocks(model, 32));
    const [plain, inBlocks] = [await weights.quantizedLayer("down", 4), await blocked.quantizedLayer("down", 4)];
    expect([plain.scales.length, inBlocks.scales.length]).toEqual([32, 64]);
    expect(inBlocks.blockSize).toBe(32);
    const float = (await weights.float("down")).weight;
    const errorOf = (values: Float32Array) => values.reduce((sum, v, i) => sum + (v - (float[i] as number)) ** 2, 0);
    expect(errorOf((await blocked.quantized("down", 4)).weight)).toBeLessThan(
      errorOf((await weights.quantized("down", 4)).weight),
    );
    expect(await blocked.quantizedLayer("embed", 4)).toBe(await weights.quantizedLayer("embed", 4));
  });
});

it("statistics of weights in blocks are those of rows as long as the blocks", () => {
  const w = noise(8 * 64);
  const inBlocks = weightStatistics(w, [8, 64], 0, [2, 4], { blockSize: 16 });
  const rows = weightStatistics(w, [32, 16], 0, [2, 4]);
  expect(inBlocks).toEqual(rows);
});
