import { create } from "@bufbuild/protobuf";
import { AttributeProtoSchema, FunctionProtoSchema, type NodeProto, TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { attribute, node, tensor, valueInfo } from "../../../src/core/onnx/build.ts";
import { raiseOpset } from "../../../src/core/onnx/opset.ts";
import { newestOpset, opsetRewrites } from "../../../src/core/onnx/opsetRewrites.ts";
import { TensorStore } from "../../../src/core/onnx/tensors.ts";
import { modelBytes } from "../../../src/core/onnx/write.ts";
import { floats } from "../../support/onnx/everything.ts";
import { graphOf, type ModelParts, modelOf } from "../../support/onnx/models.ts";

const { int, ints, float, string } = attribute;
const op = (opType: string, from: number, attributes: Parameters<typeof node>[3] = {}): ModelParts => ({
  nodes: [node(opType, ["x"], ["y"], attributes)],
  opset: from,
});
const blockersOf = (parts: ModelParts, target = newestOpset) => raiseOpset(modelOf(parts), target).blockers;

describe("raiseOpset", () => {
  it.each([
    ["an operator of opset 6", op("Relu", 6), "opset 6"],
    ["Scan of opset 8", op("Scan", 8), "Scan"],
    ["GroupNormalization of opset 18", op("GroupNormalization", 18), "GroupNormalization"],
    ["an operator withdrawn from the standard", op("ImageScaler", 7), "ImageScaler"],
    [
      "MeanVarianceNormalization before it was standard",
      op("MeanVarianceNormalization", 8),
      "MeanVarianceNormalization",
    ],
    [
      "BatchNormalization of each element",
      op("BatchNormalization", 7, { attributes: [int("spatial", 0)] }),
      "BatchNormalization",
    ],
    [
      "BatchNormalization that trains",
      { nodes: [node("BatchNormalization", ["x"], ["y", "mean"]), node("Relu", ["mean"], ["z"])], opset: 9 },
      "BatchNormalization",
    ],
    [
      "Dropout whose mask is an output",
      { nodes: [node("Dropout", ["x"], ["y", "mask"])], outputs: [valueInfo("mask", T.FLOAT)], opset: 9 },
      "Dropout",
    ],
    [
      "Resize of opset 10 by scales that are computed",
      { nodes: [node("Resize", ["x", "computed"], ["y"])], opset: 10 },
      "Resize",
    ],
    [
      "nearest Resize of opset 10 both ways",
      {
        nodes: [node("Resize", ["x", "s"], ["y"])],
        initializers: [tensor(new TensorStore(), "s", T.FLOAT, [2], Float32Array.of(0.5, 2))],
        opset: 10,
      },
      "Resize",
    ],
    [
      "a coordinate mode that was dropped",
      op("Resize", 11, { attributes: [string("coordinate_transformation_mode", "tf_half_pixel_for_nn")] }),
      "Resize",
    ],
    ["GridSample in an unknown mode", op("GridSample", 16, { attributes: [string("mode", "other")] }), "GridSample"],
    ["RoiAlign, which ONNX Runtime has up to opset 21", op("RoiAlign", 16), "RoiAlign"],
  ] as const)("names as a blocker: %s", (_, parts, blocker) => {
    expect(blockersOf(parts)).toEqual([blocker]);
  });

  it("changes nothing at all when one operator cannot be raised, also in bodies and functions", async () => {
    const body = graphOf({ nodes: [node("Softmax", ["x"], ["s"])], outputs: [valueInfo("s", T.FLOAT)] });
    const squeeze = node("Squeeze", ["a"], ["b"], { attributes: [ints("axes", [0])] });
    const model = modelOf({
      nodes: [
        node("Clip", ["x"], ["c"], { attributes: [float("min", 0)] }),
        node("If", ["t"], ["i"], { attributes: [attribute.graph("then_branch", body)] }),
        node("Dropout", ["c"], ["d", "mask"]),
        node("Scan", ["d"], ["y"]),
        node("ImageScaler", ["y"], ["z"]),
      ],
      inputs: [valueInfo("x", T.FLOAT), valueInfo("w", T.FLOAT)],
      initializers: [floats("w", 2)],
      opset: 8,
      ir: 3,
      more: {
        opsetImport: [{ domain: "", version: 8n }],
        functions: [create(FunctionProtoSchema, { name: "F", node: [squeeze], opsetImport: [{ version: 8n }] })],
      },
    });
    const before = await modelBytes(model);
    expect(raiseOpset(model, newestOpset)).toEqual({ from: 8, blockers: ["Scan", "ImageScaler"] });
    expect(Buffer.compare(await modelBytes(model), before)).toBe(0);
  });

  it("leaves a model alone that is as new, and operators of other domains", async () => {
    const model = modelOf(op("Upsample", 25));
    const before = await modelBytes(model);
    for (const target of [13, 25]) expect(raiseOpset(model, target)).toEqual({ from: 25, blockers: [] });
    expect(Buffer.compare(await modelBytes(model), before)).toBe(0);
    expect(blockersOf({ nodes: [node("Scan", ["x"], ["y"], { domain: "com.example" })], opset: 8 })).toEqual([]);
  });

  it("keeps to changes up to its target", () => {
    expect(blockersOf(op("GroupNormalization", 18), 20)).toEqual([]);
    const model = modelOf(op("ReduceMean", 11, { attributes: [ints("axes", [1])] }));
    raiseOpset(model, 17);
    expect(model.graph.node[0]?.input).toEqual(["x"]);
    raiseOpset(model, 18);
    expect(model.graph.node[0]?.input.length).toBe(2);
  });

  it("refuses an opset whose changes it does not know", () => {
    expect(() => raiseOpset(modelOf(op("Relu", 13)), newestOpset + 1)).toThrow(RangeError);
  });

  it("declares the opset where the model imports none and uses no operator of it", () => {
    const model = modelOf({ nodes: [], more: { opsetImport: [{ domain: "com.example", version: 1n }] } });
    expect(raiseOpset(model, 21).blockers).toEqual([]);
    expect(model.proto.opsetImport.map((o) => [o.domain, o.version])).toEqual([
      ["com.example", 1n],
      ["", 21n],
    ]);
  });

  it("raises a model that imports the domain by its other name", () => {
    const model = modelOf({
      nodes: [node("Unsqueeze", ["x"], ["y"], { domain: "ai.onnx", attributes: [ints("axes", [0])] })],
      more: { opsetImport: [{ domain: "ai.onnx", version: 11n }] },
    });
    expect(raiseOpset(model, 13).from).toBe(11);
    expect(model.proto.opsetImport.map((o) => o.version)).toEqual([13n]);
    expect(model.graph.node[0]?.input.length).toBe(2);
  });

  it("keeps nodes the same objects, and puts new ones beside them in order", () => {
    const model = modelOf({ nodes: [node("Relu", ["x"], ["r"]), node("Softmax", ["r"], ["y"])], opset: 9 });
    const [relu, softmax] = model.graph.node;
    raiseOpset(model, 13);
    expect(model.graph.node.map((n) => n.opType)).toEqual(["Relu", "Shape", "Flatten", "Softmax", "Reshape"]);
    expect([model.graph.node[0], model.graph.node[3]]).toEqual([relu, softmax]);
    expect(model.graph.node[3]).toBe(softmax);
    expect(model.graph.node[4]?.output).toEqual(["y"]);
  });

  it("takes the ranks it is given", () => {
    const model = modelOf(op("Softmax", 9, { attributes: [int("axis", 3)] }));
    raiseOpset(model, 13, (name) => (name === "x" ? 4 : undefined));
    expect(model.graph.node.map((n) => n.opType)).toEqual(["Softmax"]);
  });

  it("gives constants names that nothing has, in all graphs together", () => {
    const clip = (name: string) => node("Clip", ["x"], [name], { attributes: [float("min", 0), float("max", 6)] });
    const body = graphOf({ nodes: [clip("b"), clip("y.constant")], outputs: [valueInfo("b", T.FLOAT)] });
    const model = modelOf({
      nodes: [clip("y"), node("If", ["t"], ["z"], { attributes: [attribute.graph("then_branch", body)] })],
      opset: 7,
    });
    raiseOpset(model, 25);
    const made = [...model.graph.initializer, ...body.initializer].map((t) => t.name);
    expect(made.length).toBe(6);
    expect(new Set([...made, "y.constant", "b", "y", "z"]).size).toBe(10);
  });

  it("blocks where a function's parameter decides", () => {
    const ref = create(AttributeProtoSchema, { name: "axes", refAttrName: "axes", type: 7 });
    const fn = (n: NodeProto) =>
      create(FunctionProtoSchema, {
        name: "F",
        domain: "d",
        attribute: ["axes"],
        node: [n],
        opsetImport: [{ version: 11n }],
      });
    const parts = (n: NodeProto): ModelParts => ({
      opset: 11,
      more: { opsetImport: [{ version: 11n }], functions: [fn(n)] },
    });
    expect(blockersOf(parts(node("Squeeze", ["a"], ["b"], { attributes: [ref] })))).toEqual(["Squeeze"]);
    expect(blockersOf(parts(node("Transpose", ["a"], ["b"], { attributes: [ref] })))).toEqual([]);
  });

  it("raises ten thousand nodes in no time", () => {
    const nodes = Array.from({ length: 10_000 }, (_, i) =>
      node("Clip", [`v${i}`], [`v${i + 1}`], { attributes: [float("min", 0), float("max", 6)] }),
    );
    const model = modelOf({ nodes, opset: 7 });
    expect(raiseOpset(model, 25).blockers).toEqual([]);
    expect(model.graph.initializer.length).toBe(20_000);
  }, 10_000);
});

describe("a bound that was an attribute", () => {
  const clip = (parts: ModelParts, target: number) => {
    const model = modelOf({
      nodes: [node("Clip", ["x"], ["y"], { attributes: [float("max", 0.5)] })],
      opset: 10,
      ...parts,
    });
    const { blockers } = raiseOpset(model, target);
    return {
      blockers,
      ops: model.graph.node.map((n) => n.opType),
      made: model.graph.initializer.find((t) => t.name !== "w"),
    };
  };
  const inputs = (type: number) => ({ inputs: [valueInfo("x", type, [2])] });

  it("has the element type of the data where the model says it", async () => {
    const double = clip(inputs(T.DOUBLE), 13);
    expect([double.made?.dataType, double.made?.dims, double.ops]).toEqual([T.DOUBLE, [], ["Clip"]]);
    const half = clip(inputs(T.FLOAT16), 13).made;
    expect([half?.dataType, half?.rawData]).toEqual([T.FLOAT16, Uint8Array.of(0x00, 0x38)]);
  });

  it("is float32 where the model mentions no other float type", () => {
    expect(clip({}, 11).made?.dataType).toBe(T.FLOAT);
  });

  it("takes the data's type at run time, from opset 15 on, where the model does not say", () => {
    const w = { initializers: [tensor(new TensorStore(), "w", T.FLOAT16, [1], Uint16Array.of(0))] };
    expect(clip(w, 25).ops).toEqual(["CastLike", "Clip"]);
    expect(clip(w, 14).blockers).toEqual(["Clip"]);
  });
});

describe("the table of rewrites", () => {
  it("is in the order of opsets, none of which is newer than the newest", () => {
    const since = opsetRewrites.map((rewrite) => rewrite.since);
    expect(since).toEqual([...since].sort((a, b) => a - b));
    expect(since.at(-1)).toBeLessThanOrEqual(newestOpset);
  });
});
