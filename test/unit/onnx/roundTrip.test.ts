import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, TensorProtoSchema } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { copyModel } from "../../../src/core/onnx/model.ts";
import { readModel, readTensorFile } from "../../../src/core/onnx/read.ts";
import { modelBytes, writeModel } from "../../../src/core/onnx/write.ts";
import * as wire from "../../support/onnx/encode.ts";
import { everything, floats, many } from "../../support/onnx/everything.ts";
import { readBytes } from "../../support/onnx/models.ts";
import { countingSource, memorySink } from "../../support/onnx/sources.ts";

/** What a file says, in one form: fields in the order of their numbers, unknown ones behind. */
function content(bytes: Uint8Array): string {
  return Buffer.from(toBinary(ModelProtoSchema, fromBinary(ModelProtoSchema, bytes))).toString("hex");
}

/** Fields that no version of onnx.proto has, one of each wire type; the group holds a group. */
function unknownFields(): Uint8Array {
  const inner = wire.join(wire.tag(500, 3), wire.bytes(1, "in"), wire.float32(2, 1), wire.tag(500, 4));
  return wire.join(
    wire.number(900, 2n ** 64n - 1n),
    wire.float32(901, 1.5),
    wire.float64(902, 2.5),
    wire.bytes(903, "x".repeat(2000)),
    wire.tag(904, 3),
    wire.number(1, 1),
    inner,
    wire.tag(904, 4),
  );
}

describe("a model that is read and written", () => {
  it("has every message, name, attribute and payload that it had", async () => {
    const original = toBinary(ModelProtoSchema, everything());
    const written = await modelBytes(await readBytes(original));
    expect(content(written)).toBe(content(original));
  });

  it("is the same when its messages are copied first", async () => {
    const original = toBinary(ModelProtoSchema, everything());
    const written = await modelBytes(copyModel(await readBytes(original)));
    expect(content(written)).toBe(content(original));
  });

  it("is the same through a sink, which gets few pieces", async () => {
    const original = toBinary(ModelProtoSchema, everything());
    const sink = memorySink();
    const { bytes } = await writeModel(await readBytes(original), sink);
    expect(content(sink.bytes())).toBe(content(original));
    expect(sink.bytes().length).toBe(bytes);
    expect(sink.writes.length).toBe(1);
  });

  it("keeps unknown fields in small and in large messages of every level", async () => {
    const large = wire.bytes(wire.graph.docString, "d".repeat(3000));
    const unknown = unknownFields();
    const tensor = wire.bytes(
      wire.graph.initializer,
      wire.number(wire.tensorField.dims, many),
      wire.number(wire.tensorField.dataType, 1),
      unknown,
      wire.bytes(wire.tensorField.rawData, new Uint8Array(4 * many).fill(7)),
    );
    const nodes = ["", "n".repeat(3000)].map((doc) =>
      wire.bytes(wire.graph.node, wire.bytes(wire.nodeField.opType, "Op"), wire.bytes(6, doc), unknown),
    );
    const original = wire.join(unknown, wire.modelFile(tensor, large, unknown, ...nodes), unknown);
    const model = await readBytes(original);
    expect(content(await modelBytes(copyModel(model)))).toBe(content(original));
    expect(model.proto.$unknown?.map((field) => field.no)).toContain(904);
    expect(model.graph.initializer[0]?.$unknown?.map((field) => field.no)).toContain(903);
  });

  it("keeps numbers of enums that are newer than this program", async () => {
    const attribute = wire.bytes(wire.nodeField.attribute, wire.bytes(1, "a"), wire.number(20, 99));
    const tensor = wire.bytes(wire.graph.initializer, wire.number(2, 77), wire.number(14, 5), wire.bytes(9, "data"));
    const original = wire.modelFile(wire.bytes(wire.graph.node, wire.bytes(4, "Op"), attribute), tensor);
    expect(content(await modelBytes(await readBytes(original)))).toBe(content(original));
  });

  it("keeps the order of initializers and nodes whatever their sizes", async () => {
    const sizes = [many, 2, many, 0, 3, many];
    const tensors = sizes.map((count, i) =>
      wire.bytes(wire.graph.initializer, toBinary(TensorProtoSchema, floats(`t${i}`, count))),
    );
    const model = await readBytes(await modelBytes(await readBytes(wire.modelFile(...tensors))));
    expect(model.graph.initializer.map((tensor) => tensor.name)).toEqual(sizes.map((_, i) => `t${i}`));
  });

  it("reads a lone tensor's file", async () => {
    const { tensor, tensors } = await readTensorFile(countingSource(toBinary(TensorProtoSchema, floats("t", many))));
    expect(tensor.name).toBe("t");
    expect((await tensors.read(tensor)).length).toBe(many);
  });

  it("can be read after a lone tensor was", async () => {
    // The rules of messages are derived once, from whichever message comes first.
    await readTensorFile(countingSource(toBinary(TensorProtoSchema, floats("t", 2))));
    const model = await readModel(countingSource(toBinary(ModelProtoSchema, everything())));
    expect(copyModel(model).graph.node.length).toBe(3);
  });
});
