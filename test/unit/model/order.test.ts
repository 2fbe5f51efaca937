import { describe, expect, it } from "vitest";
import { inExecutionOrder } from "../../../src/core/model/order.ts";
import { node } from "../../../src/core/onnx/build.ts";
import { distance, noisy, run } from "../../support/ortRun.ts";
import { tinyModel, weight } from "../../support/tinyModel.ts";

const relu = node("Relu", ["m"], ["r"]);
const multiply = node("MatMul", ["x", "w"], ["m"]);
const negate = node("Neg", ["r"], ["y"]);
const net = (nodes: Parameters<typeof tinyModel>[0]["nodes"]) =>
  tinyModel({ inputs: { x: [2, 4] }, outputs: ["y"], constants: { w: weight([4, 4]) }, nodes });

describe("a model's nodes", () => {
  it("are put in an order of execution, and compute what ONNX Runtime computes with the file's", async () => {
    const model = net([negate, relu, multiply]);
    const ordered = inExecutionOrder(model);
    expect(ordered.graph.node.map((n) => n.opType)).toEqual(["MatMul", "Relu", "Neg"]);
    expect(model.graph.node.map((n) => n.opType)).toEqual(["Neg", "Relu", "MatMul"]);
    const feeds = { x: noisy([2, 4]) };
    expect(distance((await run(ordered, feeds)).y, (await run(model, feeds)).y)).toBe(0);
  });

  it("stay as they are when they are in order", () => {
    const model = net([multiply, relu, negate]);
    expect(inExecutionOrder(model)).toBe(model);
  });
});
