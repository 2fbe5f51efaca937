import { TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import type { Bits } from "../../../src/core/hardware/profile.ts";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import { opsetOf } from "../../../src/core/onnx/graph.ts";
import type { OnnxModel } from "../../../src/core/onnx/model.ts";
import { distance, noisy, run } from "../../support/ortRun.ts";
import { quantizeTiny } from "../../support/quantizeTiny.ts";
import { constant, floats, halfWeight, type TinyModel, tinyModel, tinyStore, weight } from "../../support/tinyModel.ts";

const image = { x: noisy([1, 4, 6, 6]) };
const net = (changes: Partial<TinyModel> = {}): TinyModel => ({
  inputs: { x: [1, 4, 6, 6] },
  outputs: ["y"],
  constants: { w: weight([5, 4, 3, 3], 1, 0.4), b: weight([5], 2) },
  nodes: [node("Conv", ["x", "w", "b"], ["y"], { name: "conv" })],
  ...changes,
});

const weightsOnly = async (spec: TinyModel, bits: Bits, feeds = image) =>
  quantizeTiny(tinyModel(spec), feeds, bits, null);

/** Operators with domains, in order. */
const opsOf = ({ graph }: OnnxModel) => graph.node.map((n) => (n.domain === "" ? n.opType : `${n.domain}.${n.opType}`));
const namesOf = ({ graph }: OnnxModel) => graph.initializer.map((t) => t.name).sort();

function constantOf(model: OnnxModel, name: string) {
  const found = model.graph.initializer.find((t) => t.name === name);
  if (found === undefined) throw new Error(`no initializer ${name}`);
  return found;
}

describe("weights in the file", () => {
  it.each<[Bits, number, number]>([
    // 5 * 4 * 3 * 3 = 180 weights.
    [8, T.INT8, 180],
    [7, T.INT8, 180],
    [5, T.INT8, 180],
    [4, T.INT4, 90],
    [3, T.INT4, 90],
    [2, T.INT2, 45],
  ])("of %i bits are stored packed, in the next wider type of ONNX", async (bits, type, bytes) => {
    const { written, layers } = await weightsOnly(net(), bits);
    const { model, stored } = written;
    const q = constantOf(model, "w.quantized");
    expect(q.dataType).toBe(type);
    expect((await model.tensors.raw(q)).byteLength).toBe(bytes);
    expect(await model.tensors.read(q)).toEqual(layers.get("conv")?.q);
    const scale = constantOf(model, "w.scale");
    expect(await model.tensors.read(scale)).toEqual(layers.get("conv")?.scales);
    const zeroPoints = type === T.INT4 ? 0 : 5;
    expect(stored).toEqual([
      {
        layer: "conv",
        bits,
        storedBits: type === T.INT8 ? 8 : type === T.INT4 ? 4 : 2,
        bytes: bytes + 20 + zeroPoints,
      },
    ]);
  });

  it("replace the float ones, of which nothing is left", async () => {
    const { written } = await weightsOnly(net(), 8);
    expect(namesOf(written.model)).toEqual(["b.corrected", "w.quantized", "w.scale", "w.zero_point"]);
  });

  it("replace the nodes before them too", async () => {
    const store = tinyStore();
    const spec = net({
      constants: { s: { dims: [4], data: BigInt64Array.of(5n, 4n, 3n, 3n), type: T.INT64 } },
      nodes: [
        node("Constant", [], ["t"], { attributes: [attribute.tensor("value", constant(store, "t", weight([36, 5])))] }),
        node("Transpose", ["t"], ["u"]),
        node("Reshape", ["u", "s"], ["w"]),
        node("Conv", ["x", "w"], ["y"]),
      ],
    });
    const { written, simulate } = await quantizeTiny(tinyModel(spec, store), image, 4, null);
    expect(opsOf(written.model)).toEqual(["com.microsoft.DequantizeLinear", "Conv"]);
    expect(namesOf(written.model)).toEqual(["t.quantized", "t.scale"]);
    expect(distance((await run(written.model, image)).y, (await simulate()).y)).toBeLessThan(1e-5);
  });

  it("are stored once for all nodes that share them", async () => {
    const spec = net({
      inputs: { x: [2, 4] },
      constants: { w: weight([4, 4]) },
      nodes: [node("MatMul", ["x", "w"], ["a"]), node("Relu", ["a"], ["r"]), node("MatMul", ["r", "w"], ["y"])],
    });
    const { written } = await weightsOnly(spec, 4, { x: noisy([2, 4]) });
    expect(opsOf(written.model)).toEqual(["com.microsoft.DequantizeLinear", "MatMul", "Relu", "MatMul"]);
    expect(namesOf(written.model)).toEqual(["w.quantized", "w.scale"]);
  });

  it("get names of their own where the usual ones are taken", async () => {
    const spec = net({
      constants: { w: weight([5, 4, 3, 3]), "w.quantized": weight([5]), "w.scale": floats([2], [1]) },
      outputs: ["z"],
      nodes: [node("Conv", ["x", "w", "w.quantized"], ["y"]), node("Mul", ["y", "w.scale"], ["z"])],
    });
    const { written } = await weightsOnly(spec, 4);
    expect(namesOf(written.model)).toEqual(["w.quantized.corrected", "w.quantized_2", "w.scale", "w.scale_2"]);
  });

  it("of half precision layers keep float32 scales, cast behind", async () => {
    const half = { type: T.FLOAT16, dims: [1, 4, 6, 6] };
    const model = tinyModel(
      net({
        inputs: { x: half },
        outputs: { y: { type: T.FLOAT16, dims: [1, 5, 4, 4] } },
        constants: { w: halfWeight([5, 4, 3, 3]), b: halfWeight([5]) },
      }),
    );
    const feeds = { x: { type: "float16", dims: half.dims, data: new Uint16Array(144).fill(0x3800) } } as const;
    const { written } = await quantizeTiny(model, feeds, 4, null);
    expect(opsOf(written.model)).toEqual(["com.microsoft.DequantizeLinear", "Cast", "Cast", "Conv"]);
    expect(constantOf(written.model, "w.scale").dataType).toBe(T.FLOAT);
  });
});

describe("the opset", () => {
  it.each<[number, Bits, string, number, bigint]>([
    [7, 8, "com.microsoft.DequantizeLinear", 7, 4n],
    [11, 8, "com.microsoft.DequantizeLinear", 11, 8n],
    [11, 4, "com.microsoft.DequantizeLinear", 11, 10n],
    [13, 8, "DequantizeLinear", 13, 8n],
    [13, 4, "com.microsoft.DequantizeLinear", 13, 10n],
    [21, 4, "DequantizeLinear", 21, 10n],
    [21, 2, "DequantizeLinear", 25, 12n],
    [25, 2, "DequantizeLinear", 25, 12n],
  ])("%i with %i bits: %s in opset %i, IR %i", async (opset, bits, op, after, ir) => {
    const before = opset < 9 ? 3 : 8;
    const { written } = await weightsOnly(net({ opset, ir: before, constantsAsInputs: before === 3 }), bits);
    expect(opsOf(written.model).filter((name) => name.endsWith("DequantizeLinear"))).toEqual([op]);
    expect(opsetOf(written.model.proto, "")).toBe(after);
    expect(written.model.proto.irVersion).toBe(ir);
    const imports = written.model.proto.opsetImport.map((o) => o.domain);
    expect(imports).toEqual(op.startsWith("com.microsoft") ? ["", "com.microsoft"] : [""]);
    expect(written.notes).toEqual(after === opset ? [] : [`Opset raised from ${opset} to 25, for int2 weights`]);
    // In IR 4 and later a constant that is an input too would be a default that callers may override.
    expect(written.model.graph.input.map((v) => v.name)).toEqual(["x"]);
  });

  it("stays, and 2 bits are stored in 4, where an operator cannot be raised, with a note", async () => {
    // GroupNormalization took its factors per group until opset 21, per channel from then on.
    const spec = net({
      opset: 18,
      outputs: ["z"],
      constants: { w: weight([6, 4, 3, 3], 1, 0.4), s: floats([1, 2]), t: floats([0, 1]) },
      nodes: [
        node("Conv", ["x", "w"], ["y"], { name: "conv" }),
        node("GroupNormalization", ["y", "s", "t"], ["z"], { attributes: [attribute.int("num_groups", 2)] }),
      ],
    });
    const { written, simulate } = await weightsOnly(spec, 2);
    expect(opsetOf(written.model.proto, "")).toBe(18);
    expect(constantOf(written.model, "w.quantized").dataType).toBe(T.INT4);
    expect(written.stored[0]).toMatchObject({ bits: 2, storedBits: 4, note: expect.stringContaining("opset 25") });
    expect(written.notes).toEqual([expect.stringMatching(/^2-bit weights are stored in 4 bits: .*GroupNormalization/)]);
    expect(distance((await run(written.model, image)).z, (await simulate()).z)).toBeLessThan(1e-5);
  });
});

describe("everything else in the file", () => {
  it("stays: names, metadata, functions, other nodes, dead ones of the user's", async () => {
    const spec = net({
      outputs: ["z", "given"],
      metadata: { author: "someone" },
      domains: { mine: 1 },
      functions: [
        { domain: "mine", name: "Twice", inputs: ["a"], outputs: ["b"], nodes: [node("Add", ["a", "a"], ["b"])] },
      ],
      constants: { w: weight([5, 4, 3, 3]), b: weight([5], 2), dead: weight([3]), given: weight([2]) },
      nodes: [
        node("Conv", ["x", "w", "b"], ["y"], { name: "conv" }),
        node("Identity", ["dead"], ["nobody"], { name: "deadNode" }),
        node("Twice", ["y"], ["z"], { name: "call", domain: "mine" }),
      ],
    });
    const original = tinyModel(spec);
    const { written } = await quantizeTiny(original, image, 4, null);
    const { proto, graph } = written.model;
    expect(proto.metadataProps).toEqual(original.proto.metadataProps);
    expect(proto.functions).toEqual(original.proto.functions);
    expect(proto.producerName).toBe("tiny");
    expect(graph.node.map((n) => n.name)).toEqual(["conv.dequantize", "conv", "deadNode", "call"]);
    expect(graph.output.map((v) => v.name)).toEqual(["z", "given"]);
    expect(namesOf(written.model)).toEqual(["b.corrected", "dead", "given", "w.quantized", "w.scale"]);
    // The model that was read is not touched.
    expect(original.graph.initializer.map((t) => t.name)).toEqual(["w", "b", "dead", "given"]);
    expect(original.graph.node[0]?.input).toEqual(["x", "w", "b"]);
  });

  it("stays when a layer is left in float", async () => {
    const spec = net({
      inputs: { x: [2, 4] },
      constants: { w: weight([4, 4]), v: weight([4]) },
      nodes: [node("MatMul", ["x", "w"], ["a"]), node("MatMul", ["a", "v"], ["y"])],
    });
    const { written } = await weightsOnly(spec, 8, { x: noisy([2, 4]) });
    expect(namesOf(written.model)).toEqual(["v", "w.quantized", "w.scale", "w.zero_point"]);
  });
});
