import { TensorProto_DataType as T } from "onnx-buf";
import { expect, it } from "vitest";
import { attribute, node, tensor, valueInfo } from "../../../src/core/onnx/build.ts";
import { opsetOf } from "../../../src/core/onnx/graph.ts";
import { TensorStore } from "../../../src/core/onnx/tensors.ts";
import { modelOf } from "../../support/onnx/models.ts";
import { distance, noisy, run } from "../../support/ortRun.ts";
import { quantizeTiny } from "../../support/quantizeTiny.ts";

it("quantizes the right nodes to 2 bits when raising the opset puts others before them", async () => {
  const tensors = new TensorStore();
  const weight = (name: string, seed: number) =>
    tensor(tensors, name, T.FLOAT, [6, 6], noisy([6, 6], seed).data as Float32Array);
  const softmax = (from: string, to: string) =>
    node("Softmax", [from], [to], { attributes: [attribute.int("axis", 1)] });
  const model = modelOf({
    // Each Softmax over two axes becomes four nodes in opset 13; the products' indices shift by three and by six.
    nodes: [
      node("MatMul", ["x", "a"], ["p"], { name: "first" }),
      softmax("p", "q"),
      node("MatMul", ["q", "b"], ["r"], { name: "second" }),
      softmax("r", "s"),
      node("MatMul", ["s", "c"], ["y"], { name: "third" }),
    ],
    inputs: [valueInfo("x", T.FLOAT, [2, 3, 6])],
    outputs: [valueInfo("y", T.FLOAT, [2, 3, 6])],
    initializers: [weight("a", 1), weight("b", 2), weight("c", 3)],
    opset: 9,
    ir: 4,
    tensors,
  });
  const feeds = { x: noisy([2, 3, 6]) };
  const { written, simulate } = await quantizeTiny(model, feeds, 2, null);
  expect(opsetOf(written.model.proto, "")).toBe(25);
  expect(written.stored.map((stored) => stored.storedBits)).toEqual([2, 2, 2]);
  const simulated = (await simulate()).y;
  const plain = (await run(written.model, feeds, { optimization: "disabled" })).y;
  expect(distance(plain, simulated)).toBeLessThan(1e-6);
  // Optimized, the runtime multiplies low-bit weights in a kernel of its own, which is less exact.
  expect(distance((await run(written.model, feeds)).y, simulated)).toBeLessThan(1e-2);
  expect(opsetOf(model.proto, "")).toBe(9);
});
