import { toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, type TensorProto } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { attribute, node, setAttribute } from "../../../src/core/onnx/build.ts";
import { copyMessage, copyModel } from "../../../src/core/onnx/model.ts";
import { modelBytes } from "../../../src/core/onnx/write.ts";
import { everything, floats, many } from "../../support/onnx/everything.ts";
import { modelOf, readBytes } from "../../support/onnx/models.ts";

const first = async (model: Awaited<ReturnType<typeof readBytes>>) =>
  Array.from(await model.tensors.readFloat32(model.graph.initializer[0] as TensorProto, 0, 2));

describe("a copy of a model", () => {
  it("can be changed everywhere without a change of the original", async () => {
    const model = await readBytes(toBinary(ModelProtoSchema, everything()));
    const before = await modelBytes(model);
    const copy = copyModel(model);
    change(copy.proto, new Set());
    expect(Buffer.compare(await modelBytes(model), before)).toBe(0);
  });

  it("shares data: other data given to one do not show in the other", async () => {
    for (const count of [2, many]) {
      const model = await readBytes(await modelBytes(modelOf({ initializers: [floats("w", count)] })));
      const copy = copyModel(model);
      const [tensor] = copy.graph.initializer as [TensorProto];
      copy.tensors.set(tensor, new Uint8Array(new Float32Array(count).fill(-1).buffer));
      expect(await first(copy)).toEqual([-1, -1]);
      expect(await first(model)).toEqual([0, 1]);
      model.tensors.set(
        model.graph.initializer[0] as TensorProto,
        new Uint8Array(new Float32Array(count).fill(5).buffer),
      );
      expect(await first(copy)).toEqual([-1, -1]);
    }
  });

  it("has one graph, as proto and graph say", async () => {
    const model = modelOf({ nodes: [node("Relu", ["x"], ["y"])] });
    // Parts of a model are made by spreading a graph, which loses its prototype.
    const part = { ...model.graph, node: [] };
    for (const given of [
      model,
      { ...model, graph: part },
      { ...model, graph: part, proto: { ...model.proto, graph: part } },
    ]) {
      const copy = copyModel(given);
      expect(copy.proto.graph).toBe(copy.graph);
      expect(copy.graph.node.length).toBe(given.graph.node.length);
      expect(copy.graph.docString).toBe("");
    }
  });

  it("can be of one message alone", () => {
    const model = modelOf({ nodes: [node("Op", ["x"], ["y"], { attributes: [attribute.int("a", 1)] })] });
    const [original] = model.graph.node as [never];
    const copy = copyMessage(original as Parameters<typeof setAttribute>[0], model.tensors);
    setAttribute(copy, attribute.int("a", 2));
    expect(model.graph.node[0]?.attribute[0]?.i).toBe(1n);
    expect(() => copyMessage({ $typeName: "other.Message" }, model.tensors)).toThrow("other.Message");
  });
});

/** Changes every list, text and number of a message, at every depth. */
function change(value: object, seen: Set<object>): void {
  if (seen.has(value) || value instanceof Uint8Array) return;
  seen.add(value);
  for (const [name, inner] of Object.entries(value)) {
    if (name === "$typeName") continue;
    if (typeof inner === "object" && inner !== null) {
      change(inner, seen);
      if (Array.isArray(inner)) inner.push(inner[0]);
    } else if (typeof inner === "string") Reflect.set(value, name, `${inner}!`);
    else if (typeof inner === "number") Reflect.set(value, name, inner + 1);
    else if (typeof inner === "bigint") Reflect.set(value, name, inner + 1n);
  }
}
