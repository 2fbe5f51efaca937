import { describe, expect, it } from "vitest";
import { random } from "../../../src/core/data/random.ts";
import { readBias, takesBias } from "../../../src/core/model/bias.ts";
import { readWeight } from "../../../src/core/model/readWeight.ts";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import {
  maxPositions,
  type PatchPlan,
  patchCount,
  planPatches,
  readInputs,
  readOutputs,
} from "../../../src/core/recovery/patches.ts";
import { gatherWeights, type RowLayout, rowLayout } from "../../../src/core/recovery/rowLayout.ts";
import { noisy, run } from "../../support/ortRun.ts";
import { type TinyModel, tinyModel, weight } from "../../support/tinyModel.ts";
import { firstSite } from "./support.ts";

interface Case {
  readonly op: string;
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly bias?: number;
  readonly attributes?: readonly ReturnType<typeof attribute.int>[];
  readonly weightFirst?: boolean;
}

const ints = attribute.ints;
const int = attribute.int;

const cases: Readonly<Record<string, Case>> = {
  "a 3x3 convolution": { op: "Conv", x: [2, 3, 6, 5], w: [4, 3, 3, 3], bias: 4 },
  "pads and strides that differ by axis and side": {
    op: "Conv",
    x: [1, 2, 7, 6],
    w: [3, 2, 3, 2],
    attributes: [ints("pads", [1, 0, 2, 1]), ints("strides", [2, 3])],
  },
  dilations: { op: "Conv", x: [1, 2, 9, 8], w: [3, 2, 3, 3], attributes: [ints("dilations", [2, 3])] },
  groups: { op: "Conv", x: [2, 6, 5, 5], w: [4, 3, 3, 3], bias: 4, attributes: [int("group", 2)] },
  depthwise: {
    op: "Conv",
    x: [2, 4, 5, 5],
    w: [8, 1, 3, 3],
    attributes: [int("group", 4), ints("pads", [1, 1, 1, 1])],
  },
  "padding by SAME_UPPER": {
    op: "Conv",
    x: [1, 2, 6, 7],
    w: [3, 2, 3, 2],
    attributes: [attribute.string("auto_pad", "SAME_UPPER"), ints("strides", [2, 2])],
  },
  "padding by SAME_LOWER": {
    op: "Conv",
    x: [1, 2, 6, 7],
    w: [3, 2, 2, 4],
    attributes: [attribute.string("auto_pad", "SAME_LOWER")],
  },
  "padding by VALID": {
    op: "Conv",
    x: [1, 2, 6, 7],
    w: [3, 2, 2, 4],
    attributes: [attribute.string("auto_pad", "VALID")],
  },
  "one dimension": { op: "Conv", x: [2, 3, 12], w: [4, 3, 5], attributes: [ints("pads", [2, 2])] },
  "three dimensions": { op: "Conv", x: [1, 2, 4, 5, 3], w: [3, 2, 2, 3, 2] },
  "a transposed convolution": { op: "ConvTranspose", x: [2, 3, 4, 5], w: [3, 4, 3, 3], bias: 4 },
  "a transposed convolution with strides, pads, dilations and output padding": {
    op: "ConvTranspose",
    x: [1, 2, 4, 3],
    w: [2, 3, 3, 2],
    attributes: [
      ints("strides", [2, 3]),
      ints("pads", [1, 0, 0, 1]),
      ints("dilations", [1, 2]),
      ints("output_padding", [1, 2]),
    ],
  },
  "a grouped transposed convolution": {
    op: "ConvTranspose",
    x: [1, 4, 4, 4],
    w: [4, 3, 2, 2],
    bias: 6,
    attributes: [ints("strides", [2, 2]), int("group", 2)],
  },
  Gemm: { op: "Gemm", x: [5, 7], w: [7, 4], bias: 4 },
  "Gemm, transB": { op: "Gemm", x: [5, 7], w: [4, 7], bias: 4, attributes: [int("transB", 1)] },
  "Gemm, transA": { op: "Gemm", x: [7, 5], w: [7, 4], attributes: [int("transA", 1)] },
  "Gemm with the weight first": { op: "Gemm", x: [7, 5], w: [4, 7], weightFirst: true },
  "Gemm with the weight first, both transposed": {
    op: "Gemm",
    x: [5, 7],
    w: [7, 4],
    weightFirst: true,
    attributes: [int("transA", 1), int("transB", 1)],
  },
  "MatMul of a matrix": { op: "MatMul", x: [5, 7], w: [7, 4] },
  "MatMul of a batch of sequences": { op: "MatMul", x: [2, 3, 5, 7], w: [7, 4] },
  "MatMul of a vector": { op: "MatMul", x: [7], w: [7, 4] },
  "MatMul with the weight first": { op: "MatMul", x: [3, 7, 5], w: [4, 7], weightFirst: true },
};

function modelOf({ op, x, w, bias, attributes, weightFirst }: Case) {
  const inputs = weightFirst ? ["w", "x"] : ["x", "w"];
  const spec: TinyModel = {
    inputs: { x },
    outputs: ["y"],
    constants: { w: weight(w, 1), ...(bias !== undefined && { b: weight([bias], 2) }) },
    nodes: [node(op, [...inputs, ...(bias === undefined ? [] : ["b"])], ["y"], { attributes: attributes ?? [] })],
  };
  return tinyModel(spec);
}

describe("rows of weights times patches", () => {
  it.each(Object.keys(cases))("are what ONNX Runtime computes: %s", async (name) => {
    const each = cases[name] as Case;
    const model = modelOf(each);
    const site = await firstSite(model);
    const layout = rowLayout(site) as RowLayout;
    const input = noisy(each.x);
    const { y } = await run(model, { x: input });
    const [use] = site.uses;
    if (use === undefined) throw new Error("no use");
    const plan = planPatches(use, layout, each.w.slice(2), each.x, random(1)) as PatchPlan;
    expect(plan.output).toEqual(y?.dims);
    const x = readInputs(plan, input.data as Float32Array);
    const expected = readOutputs(plan, y?.data as Float32Array);
    const weights = await readWeight(model.tensors, site.chain);
    const bias = takesBias(site) ? await readBias(model.tensors, site) : undefined;
    const count = patchCount(plan);
    expect(count).toBeGreaterThan(0);
    const row = new Float64Array(layout.columns);
    for (let r = 0; r < layout.rows; r++) {
      gatherWeights(weights, layout, r, row);
      const group = Math.floor(r / (layout.rows / layout.groups));
      for (let p = 0; p < count; p++) {
        let sum = bias?.[r] ?? 0;
        for (let k = 0; k < layout.columns; k++) {
          sum += (row[k] as number) * (x[(group * layout.columns + k) * count + p] as number);
        }
        expect(Math.abs(sum - (expected[r * count + p] as number))).toBeLessThan(1e-4);
      }
    }
  });
});

describe("which patches are looked at", () => {
  const layer = { op: "Conv", x: [3, 2, 20, 20], w: [4, 2, 3, 3] } as const;

  async function planWith(seed: number): Promise<PatchPlan> {
    const site = await firstSite(modelOf(layer));
    const [use] = site.uses;
    if (use === undefined) throw new Error("no use");
    return planPatches(use, rowLayout(site) as RowLayout, [3, 3], layer.x, random(seed)) as PatchPlan;
  }

  it("are some positions of each sample, each once", async () => {
    const plan = await planWith(1);
    expect(plan).toMatchObject({ samples: 3, perSample: maxPositions });
    for (let n = 0; n < 3; n++) {
      const own = plan.positions.subarray(n * maxPositions, (n + 1) * maxPositions);
      expect(new Set(own).size).toBe(maxPositions);
      for (const position of own) expect(position).toBeLessThan(18 * 18);
    }
    expect(plan.positions.subarray(0, maxPositions)).not.toEqual(
      plan.positions.subarray(maxPositions, 2 * maxPositions),
    );
  });

  it("are the same for the same seed, and others for another", async () => {
    expect((await planWith(1)).positions).toEqual((await planWith(1)).positions);
    expect((await planWith(1)).positions).not.toEqual((await planWith(2)).positions);
  });

  it("are none where the input does not fit the weight, or padding is told by an output shape", async () => {
    const site = await firstSite(modelOf(layer));
    const [use] = site.uses;
    if (use === undefined) throw new Error("no use");
    const layout = rowLayout(site) as RowLayout;
    expect(planPatches(use, layout, [3, 3], [1, 3, 20, 20], random(1))).toBeUndefined();
    expect(planPatches(use, layout, [3, 3], [1, 2, 20], random(1))).toBeUndefined();
    expect(planPatches(use, layout, [3, 3], [0, 2, 20, 20], random(1))).toBeUndefined();
    const told = await firstSite(
      modelOf({ op: "ConvTranspose", x: [1, 2, 4, 4], w: [2, 3, 3, 3], attributes: [ints("output_shape", [8, 8])] }),
    );
    const [upsampling] = told.uses;
    if (upsampling === undefined) throw new Error("no use");
    expect(planPatches(upsampling, rowLayout(told) as RowLayout, [3, 3], [1, 2, 4, 4], random(1))).toBeUndefined();
  });
});
