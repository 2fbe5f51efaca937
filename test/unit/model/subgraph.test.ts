import { TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { extract, lifetimesOf, liveValues } from "../../../src/core/model/subgraph.ts";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import type { OnnxModel } from "../../../src/core/onnx/model.ts";
import { distance, noisy, run } from "../../support/ortRun.ts";
import { constant, ints, tinyGraph, tinyModel, tinyStore, weight } from "../../support/tinyModel.ts";

/** x -> Relu -> MatMul -> Add(skip) -> If(c: * 2, + x); a weight in a Constant node, a shape computed from constants. */
function net(): OnnxModel {
  const store = tinyStore();
  const branch = (name: string, op: string, other: string) =>
    tinyGraph(name, { outputs: [`${name}.out`], nodes: [node(op, ["flat", other], [`${name}.out`])] }, store);
  return tinyModel(
    {
      inputs: { x: [2, 4], c: { type: T.BOOL, dims: [] } },
      outputs: ["y"],
      constants: { v: weight([4, 4], 2), two: weight([1], 3), half: ints([4]), other: ints([2]) },
      nodes: [
        node("Constant", [], ["w"], { attributes: [attribute.tensor("value", constant(store, "w", weight([4, 4])))] }),
        node("Concat", ["other", "half"], ["shape"], { attributes: [attribute.int("axis", 0)] }),
        node("Relu", ["x"], ["r"]),
        node("MatMul", ["r", "w"], ["a"]),
        node("MatMul", ["a", "v"], ["b"]),
        node("Add", ["b", "r"], ["s"]),
        node("Reshape", ["s", "shape"], ["flat"]),
        node("If", ["c"], ["y"], {
          attributes: [
            attribute.graph("then_branch", branch("then", "Mul", "two")),
            attribute.graph("else_branch", branch("else", "Add", "x")),
          ],
        }),
        node("Relu", ["s"], ["unused"]),
      ],
    },
    store,
  );
}

describe("values alive at a cut", () => {
  it.each<[number, readonly string[]]>([
    [0, ["x", "c"]],
    [3, ["x", "c", "r"]],
    [4, ["x", "c", "r", "a"]],
    [5, ["x", "c", "r", "b"]],
    [7, ["x", "c", "s", "flat"]],
    [9, ["y"]],
  ])("before node %i: activations alone, also those that bodies read", (cut, expected) => {
    expect(liveValues(net().graph, cut)).toEqual(expected);
  });

  it("are the same when asked of many cuts", () => {
    const { graph } = net();
    const lifetimes = lifetimesOf(graph);
    for (let cut = 0; cut <= graph.node.length; cut++) expect(lifetimes.liveAt(cut)).toEqual(liveValues(graph, cut));
  });
});

describe("a part of a model", () => {
  const feeds = { x: noisy([2, 4]), c: { type: "bool", dims: [], data: Uint8Array.of(0) } } as const;

  it.each([3, 4, 5, 7])("before and behind node %i computes together what the whole computes", async (cut) => {
    const model = net();
    const live = liveValues(model.graph, cut);
    const computed = live.filter((name) => name !== "x" && name !== "c");
    const first = extract(model, ["x", "c"], computed, new Map());
    const second = extract(model, live, ["y"], new Map([["c", T.BOOL]]));
    const values = { ...feeds, ...(await run(first, feeds)) };
    const { y } = await run(second, values);
    expect(distance(y, (await run(model, feeds)).y)).toBeLessThan(1e-6);
  });

  it("has the constants and nodes it needs, and no others", () => {
    const part = extract(net(), ["a", "r"], ["s"], new Map());
    expect(part.graph.node.map((n) => n.opType)).toEqual(["MatMul", "Add"]);
    expect(part.graph.initializer.map((t) => t.name)).toEqual(["v"]);
    expect(part.graph.input.map((v) => v.name)).toEqual(["a", "r"]);
  });

  it("gives out a value that it is given", async () => {
    const part = extract(net(), ["r"], ["r", "a"], new Map());
    const r = noisy([2, 4]);
    const out = await run(part, { r });
    expect(out.r?.data).toEqual(r.data);
    expect(out.a?.dims).toEqual([2, 4]);
  });

  it("declares all inputs that it was asked for, in their types", () => {
    const part = extract(net(), ["x", "r", "c"], ["a"], new Map([["r", T.FLOAT16]]));
    const types = part.graph.input.map((v) => (v.type?.value.case === "tensorType" ? v.type.value.value.elemType : 0));
    expect(types).toEqual([T.FLOAT, T.FLOAT16, T.BOOL]);
  });

  it("leaves the whole as it is", () => {
    const model = net();
    extract(model, ["a", "r"], ["s"], new Map());
    expect(model.graph.node).toHaveLength(9);
    expect(model.graph.initializer).toHaveLength(4);
  });
});
