import { describe, expect, it } from "vitest";
import { pruner } from "../../../src/core/model/prune.ts";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import { constant, tinyGraph, tinyModel, tinyStore, weight } from "../../support/tinyModel.ts";

describe("removing what an edit left unread", () => {
  it("takes a chain of constants away, with its initializer's declarations", () => {
    const { graph } = tinyModel({
      ir: 3,
      constantsAsInputs: true,
      inputs: { x: [2, 4] },
      outputs: ["y"],
      constants: { w: weight([4, 4]), v: weight([4, 4]) },
      declared: { t: [4, 4] },
      nodes: [
        node("Transpose", ["w"], ["t"]),
        node("Identity", ["t"], ["u"]),
        node("MatMul", ["x", "u"], ["m"]),
        node("MatMul", ["m", "v"], ["y"]),
      ],
    });
    const prune = pruner(graph);
    const multiply = graph.node[2];
    if (multiply) multiply.input[1] = "v";
    prune();
    expect(graph.node.map((n) => n.opType)).toEqual(["MatMul", "MatMul"]);
    expect(graph.initializer.map((t) => t.name)).toEqual(["v"]);
    expect(graph.input.map((v) => v.name)).toEqual(["x", "v"]);
    expect(graph.valueInfo).toEqual([]);
  });

  it("keeps what was unread before, what bodies and outputs read, and what depends on inputs", () => {
    const store = tinyStore();
    const body = (name: string) =>
      tinyGraph(name, { outputs: [`${name}.out`], nodes: [node("Identity", ["inside"], [`${name}.out`])] }, store);
    const { graph } = tinyModel(
      {
        inputs: { x: [2, 4], c: { type: 9, dims: [] } },
        outputs: ["y", "given"],
        constants: { w: weight([4, 4]), inside: weight([1]), given: weight([1]), dead: weight([1]) },
        nodes: [
          node("Identity", ["dead"], ["alsoDead"]),
          node("Relu", ["x"], ["deadActivation"]),
          node("If", ["c"], ["z"], {
            attributes: [attribute.graph("then_branch", body("a")), attribute.graph("else_branch", body("b"))],
          }),
          node("MatMul", ["x", "w"], ["m"]),
          node("Add", ["m", "z"], ["y"]),
        ],
      },
      store,
    );
    const prune = pruner(graph);
    prune();
    expect(graph.node).toHaveLength(5);
    expect(graph.initializer.map((t) => t.name)).toEqual(["w", "inside", "given", "dead"]);
    const multiply = graph.node[3];
    if (multiply) multiply.input[1] = "x";
    prune();
    expect(graph.initializer.map((t) => t.name)).toEqual(["inside", "given", "dead"]);
  });

  it("keeps a node while one of its results is read", () => {
    const store = tinyStore();
    const { graph } = tinyModel(
      {
        inputs: { x: [2, 2] },
        outputs: ["y"],
        nodes: [
          node("Constant", [], ["k"], {
            attributes: [attribute.tensor("value", constant(store, "k", weight([4, 2])))],
          }),
          node("Split", ["k"], ["p", "q"], { attributes: [attribute.int("axis", 0)] }),
          node("MatMul", ["x", "p"], ["m"]),
          node("MatMul", ["m", "q"], ["y"]),
        ],
      },
      store,
    );
    const prune = pruner(graph);
    const [, , first, second] = graph.node;
    if (first) first.input[1] = "x";
    prune();
    expect(graph.node.map((n) => n.opType)).toEqual(["Constant", "Split", "MatMul", "MatMul"]);
    if (second) second.input[1] = "x";
    prune();
    expect(graph.node.map((n) => n.opType)).toEqual(["MatMul", "MatMul"]);
  });
});
