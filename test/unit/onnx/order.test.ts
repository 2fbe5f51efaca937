import { create } from "@bufbuild/protobuf";
import { FunctionProtoSchema, type NodeProto, TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { attribute, node, valueInfo } from "../../../src/core/onnx/build.ts";
import { captures, checkAcyclic, executionOrder, nodeReads } from "../../../src/core/onnx/cycles.ts";
import { checkNames } from "../../../src/core/onnx/names.ts";
import { refusal } from "../../support/onnx/errors.ts";
import { floats } from "../../support/onnx/everything.ts";
import { graphOf, type ModelParts, modelOf } from "../../support/onnx/models.ts";

const relu = (from: string, to: string, name = "") => node("Relu", [from], [to], { name });
const withBody = (inputs: string[], output: string, nodes: readonly NodeProto[], out = "r") =>
  node("If", inputs, [output], {
    attributes: [attribute.graph("then_branch", graphOf({ nodes, outputs: [valueInfo(out, T.FLOAT)] }))],
  });

const check = (parts: ModelParts) => refusal((async () => checkAcyclic(modelOf(parts).proto, "m.onnx"))());
const names = (parts: ModelParts) => refusal((async () => checkNames(modelOf(parts).proto, "m.onnx"))());

describe("what a node reads", () => {
  it("is its inputs, and what its bodies take from outside at any depth", () => {
    const deep = withBody(["c"], "r", [relu("outer", "q"), relu("q", "r")]);
    const outer = withBody(["cond", ""], "y", [deep, relu("local", "s")]);
    expect([...nodeReads(outer)].sort()).toEqual(["c", "cond", "local", "outer"]);
  });

  it("takes in a body's outputs that the body does not make", () => {
    expect([...captures(graphOf({ outputs: [valueInfo("through", T.FLOAT)] }))]).toEqual(["through"]);
    const graph = graphOf({
      nodes: [relu("w", "y")],
      initializers: [floats("w", 1)],
      inputs: [valueInfo("i", T.FLOAT)],
    });
    expect(captures(graph).size).toBe(0);
  });
});

describe("executionOrder", () => {
  it("is the file's order where that is one", () => {
    expect(executionOrder([relu("x", "a"), relu("x", "b"), node("Add", ["a", "b"], ["c"])]).order).toEqual([0, 1, 2]);
  });

  it("puts each node behind those it reads from, through bodies too", () => {
    const nodes = [withBody(["c"], "y", [relu("late", "r")]), relu("later", "late"), relu("x", "later")];
    expect(executionOrder(nodes).order).toEqual([2, 1, 0]);
  });

  it("takes a value that is read twice once", () => {
    expect(executionOrder([node("Mul", ["a", "a"], ["b"]), relu("x", "a")])).toEqual({ order: [1, 0], stuck: [] });
  });

  it("names the nodes of a circle and those behind it", () => {
    expect(executionOrder([relu("x", "a"), relu("c", "b"), relu("b", "c"), relu("c", "d")]).stuck).toEqual([1, 2, 3]);
  });

  it("orders a chain of 100,000 nodes that is written backwards", () => {
    const count = 100_000;
    const nodes = Array.from({ length: count }, (_, i) => relu(`v${count - i - 1}`, `v${count - i}`));
    const { order } = executionOrder(nodes);
    expect(order[0]).toBe(count - 1);
    expect(order.length).toBe(count);
  }, 5000);
});

describe("circles", () => {
  it("are refused, and name a node", async () => {
    const error = await check({ nodes: [relu("b", "a", "first"), relu("a", "b")] });
    expect(error.code).toBe("SQ2009");
    expect(error.place).toEqual({ file: "m.onnx", item: "first" });
  });

  it("are found when a node reads itself, also from inside its own body", async () => {
    expect((await check({ nodes: [relu("a", "a")] })).slug).toBe("cyclic-graph");
    expect((await check({ nodes: [withBody(["c"], "y", [relu("y", "r")])] })).slug).toBe("cyclic-graph");
  });

  it("are found in bodies and functions", async () => {
    const circle = [relu("p", "q"), relu("q", "p")];
    expect((await check({ nodes: [withBody(["c"], "y", circle)] })).slug).toBe("cyclic-graph");
    expect(
      (await check({ more: { functions: [create(FunctionProtoSchema, { name: "F", node: circle })] } })).slug,
    ).toBe("cyclic-graph");
  });

  it("of functions that call each other are refused, in bodies too", async () => {
    const calling = (name: string, called: string) =>
      create(FunctionProtoSchema, {
        name,
        domain: "d",
        node: [withBody(["c"], "y", [node(called, ["x"], ["r"], { domain: "d" })])],
      });
    const error = await check({ more: { functions: [calling("F", "G"), calling("G", "H"), calling("H", "F")] } });
    expect(error.slug).toBe("cyclic-graph");
    const chain = Array.from({ length: 5000 }, (_, i) => calling(`F${i}`, `F${i + 1}`));
    expect(() => checkAcyclic(modelOf({ more: { functions: chain } }).proto)).not.toThrow();
  });
});

describe("names", () => {
  it("may be given once: not by two nodes, nor by a node and an input or a weight", async () => {
    const twice = await names({ nodes: [relu("x", "y", "one"), relu("x", "y", "two")] });
    expect(twice.code).toBe("SQ2020");
    expect(twice.message).toContain("two");
    expect(twice.place.item).toBe("y");
    expect((await names({ nodes: [relu("x", "x")], inputs: [valueInfo("x", T.FLOAT)] })).code).toBe("SQ2020");
    expect((await names({ nodes: [relu("x", "w")], initializers: [floats("w", 1)] })).code).toBe("SQ2020");
    expect((await names({ inputs: [valueInfo("x", T.FLOAT), valueInfo("x", T.FLOAT)] })).code).toBe("SQ2020");
    expect((await names({ nodes: [node("Split", ["x"], ["a", "a"])] })).code).toBe("SQ2020");
  });

  it("are looked at in bodies and functions", async () => {
    const twice = [relu("x", "y"), relu("x", "y")];
    expect((await names({ nodes: [withBody(["c"], "z", twice)] })).code).toBe("SQ2020");
    expect((await names({ more: { functions: [create(FunctionProtoSchema, { name: "F", node: twice })] } })).code).toBe(
      "SQ2020",
    );
  });

  it("may be empty, be inputs and weights at once, and be the same in sibling bodies and on nodes", () => {
    const nodes = [
      node("Dropout", ["x"], ["a", ""], { name: "same" }),
      node("Dropout", ["x"], ["b", ""], { name: "same" }),
      withBody(["c"], "y", [relu("x", "r")]),
      withBody(["c"], "z", [relu("x", "r")]),
    ];
    const weight = { inputs: [valueInfo("w", T.FLOAT)], initializers: [floats("w", 1)] };
    expect(() => checkNames(modelOf({ nodes, ...weight }).proto)).not.toThrow();
  });
});
