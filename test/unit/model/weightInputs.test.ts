import { describe, expect, it } from "vitest";
import { discoverLayers, quantizableSites } from "../../../src/core/model/discover.ts";
import { withWeightInputs } from "../../../src/core/model/weightInputs.ts";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import { noisy } from "../../support/ortRun.ts";
import { constant, halfWeight, tinyModel, tinyStore, weight } from "../../support/tinyModel.ts";
import { sameWithWeightInputs } from "../../support/weightInputs.ts";

describe("a model whose weights are inputs", () => {
  it("has the original nodes in their order, with casts before and additions behind", async () => {
    const toHalf = { attributes: [attribute.int("to", 10)] };
    const model = tinyModel({
      inputs: { x: [2, 4] },
      outputs: ["y"],
      constants: { w: weight([4, 4]), h: halfWeight([4, 4]), v: weight([4, 4], 3) },
      nodes: [
        node("MatMul", ["x", "w"], ["a"], { name: "first" }),
        node("Cast", ["a"], ["b"], toHalf),
        node("MatMul", ["b", "h"], ["c"], { name: "half" }),
        node("Cast", ["c"], ["d"], { attributes: [attribute.int("to", 1)] }),
        node("MatMul", ["d", "v"], ["y"], { name: "last" }),
      ],
    });
    const { model: variant } = withWeightInputs(model, quantizableSites(await discoverLayers(model)));
    const names = variant.graph.node.map((n) => n.name || n.opType);
    expect(names).toEqual(["first", "Add", "Cast", "Cast", "Cast", "half", "Add", "Cast", "last", "Add"]);
    await sameWithWeightInputs(model, { x: noisy([2, 4]) }, 2e-3);
  });

  it("declares weights and biases as float32, under names that are not taken", async () => {
    const model = tinyModel({
      inputs: { "sigmaquant.weight.0": [1, 2, 3, 3] },
      outputs: ["y"],
      constants: { w: weight([4, 2, 1, 1]), b: weight([4]) },
      nodes: [node("Conv", ["sigmaquant.weight.0", "w", "b"], ["y"])],
    });
    const { model: variant, inputs } = withWeightInputs(model, quantizableSites(await discoverLayers(model)));
    expect([...inputs.values()]).toEqual([{ weight: "sigmaquant.weight.0_2", bias: "sigmaquant.bias.0" }]);
    expect(variant.graph.input.map((v) => v.name)).toEqual([
      "sigmaquant.weight.0",
      "sigmaquant.weight.0_2",
      "sigmaquant.bias.0",
    ]);
  });

  it("leaves the original as it is, and computes the same with weights of Constant nodes", async () => {
    const store = tinyStore();
    const model = tinyModel(
      {
        inputs: { x: [2, 4] },
        outputs: ["y"],
        nodes: [
          node("Constant", [], ["w"], {
            attributes: [attribute.tensor("value", constant(store, "w", weight([4, 4])))],
          }),
          node("Gemm", ["x", "w"], ["y"]),
        ],
      },
      store,
    );
    await sameWithWeightInputs(model, { x: noisy([2, 4]) });
    expect(model.graph.node.map((n) => n.input)).toEqual([[], ["x", "w"]]);
  });
});
