import { create } from "@bufbuild/protobuf";
import { type AttributeProto, FunctionProtoSchema, type NodeProto, TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { attribute, node, tensor, valueInfo } from "../../../src/core/onnx/build.ts";
import type { OnnxModel } from "../../../src/core/onnx/model.ts";
import { newestOpset, opsetRewrites } from "../../../src/core/onnx/opsetRewrites.ts";
import { TensorStore } from "../../../src/core/onnx/tensors.ts";
import type { Tensor } from "../../../src/core/ports.ts";
import { graphOf, modelOf } from "../../support/onnx/models.ts";
import { expectSame, runPlain } from "../../support/onnx/raise.ts";
import { noisy } from "../../support/ortRun.ts";

const { int, ints, float, floats, string } = attribute;

interface Case {
  readonly what: string;
  readonly op: string;
  /** Opset of the old form. */
  readonly from: number;
  readonly attributes?: readonly AttributeProto[];
  /** Dimensions of the data input `x`. */
  readonly x?: readonly number[];
  readonly double?: boolean;
  /** Further inputs, which become initializers. */
  readonly constants?: readonly (Float32Array | BigInt64Array)[];
  readonly constantDims?: readonly (readonly number[])[];
  readonly outputs?: readonly string[];
  /** Newest opset to raise to; the newest known without it. */
  readonly upTo?: number;
}

const cases: readonly Case[] = [
  {
    what: "scale and shift",
    op: "BatchNormalization",
    from: 7,
    attributes: [int("spatial", 1), float("epsilon", 0.01)],
    x: [2, 3, 4],
    constants: bn(),
  },
  { what: "without attributes", op: "BatchNormalization", from: 9, x: [2, 3, 4], constants: bn() },
  {
    what: "with axes",
    op: "Slice",
    from: 7,
    attributes: [ints("starts", [1, -3]), ints("ends", [2n ** 63n - 1n, -1]), ints("axes", [0, 2])],
  },
  { what: "without axes", op: "Slice", from: 9, attributes: [ints("starts", [0, 1]), ints("ends", [1, 1000])] },
  { what: "on an axis", op: "TopK", from: 7, attributes: [int("k", 2), int("axis", 1)], outputs: ["y", "i"] },
  { what: "on the last axis", op: "TopK", from: 9, attributes: [int("k", 3)], outputs: ["y", "i"] },
  {
    what: "nearest, scales as attribute",
    op: "Upsample",
    from: 7,
    attributes: [floats("scales", [1, 1, 2, 1.5])],
    x: [1, 2, 3, 4],
  },
  {
    what: "linear, scales as attribute",
    op: "Upsample",
    from: 7,
    attributes: [string("mode", "linear"), floats("scales", [1, 1, 2, 3])],
    x: [1, 2, 3, 4],
  },
  {
    what: "nearest, scales as input",
    op: "Upsample",
    from: 9,
    constants: [Float32Array.of(1, 1, 1.7, 2.3)],
    x: [1, 2, 3, 4],
  },
  {
    what: "linear, scales as input",
    op: "Upsample",
    from: 9,
    attributes: [string("mode", "linear")],
    constants: [Float32Array.of(1, 1, 1.7, 2.3)],
    x: [1, 2, 3, 4],
  },
  { what: "both bounds", op: "Clip", from: 7, attributes: [float("min", -0.25), float("max", 0.1)] },
  { what: "one bound", op: "Clip", from: 10, attributes: [float("max", 0)] },
  { what: "no bounds", op: "Clip", from: 7 },
  { what: "by zeros", op: "Pad", from: 7, attributes: [ints("pads", [0, 1, 2, 1, 0, 0])] },
  {
    what: "by a value, and cut",
    op: "Pad",
    from: 10,
    attributes: [ints("pads", [0, 1, -1, 1, 0, 2]), float("value", 1.5)],
  },
  {
    what: "double by a value",
    op: "Pad",
    from: 10,
    attributes: [ints("pads", [0, 0, 1, 0, 0, 1]), float("value", 0.1)],
    double: true,
  },
  {
    what: "by reflection",
    op: "Pad",
    from: 7,
    attributes: [ints("pads", [0, 1, 2, 0, 0, 1]), string("mode", "reflect")],
  },
  { what: "by the edge", op: "Pad", from: 7, attributes: [ints("pads", [0, 1, 2, 0, 0, 1]), string("mode", "edge")] },
  {
    what: "linear",
    op: "Resize",
    from: 10,
    attributes: [string("mode", "linear")],
    constants: [Float32Array.of(1, 1, 1.3, 0.6)],
    x: [1, 2, 5, 6],
  },
  { what: "nearest, larger", op: "Resize", from: 10, constants: [Float32Array.of(1, 1, 1.3, 2.6)], x: [1, 2, 5, 6] },
  { what: "nearest, smaller", op: "Resize", from: 10, constants: [Float32Array.of(1, 1, 0.7, 0.6)], x: [1, 2, 5, 6] },
  {
    what: "on an axis",
    op: "Scatter",
    from: 9,
    attributes: [int("axis", 1)],
    x: [2, 3],
    constants: [BigInt64Array.of(2n, 0n), Float32Array.of(5, 6)],
    constantDims: [
      [1, 2],
      [1, 2],
    ],
  },
  {
    what: "on the first axis",
    op: "Scatter",
    from: 10,
    x: [2, 3],
    constants: [BigInt64Array.of(1n, 0n), Float32Array.of(5, 6)],
    constantDims: [
      [1, 2],
      [1, 2],
    ],
  },
  { what: "with a ratio", op: "Dropout", from: 7, attributes: [float("ratio", 0.75)] },
  { what: "with a ratio, of opset 10", op: "Dropout", from: 10, attributes: [float("ratio", 0.75)] },
  ...["Softmax", "LogSoftmax", "Hardmax"].flatMap((op): Case[] => [
    { what: "on all but the first axis, by default", op, from: 7 },
    { what: "on two axes together", op, from: 9, attributes: [int("axis", 2)], x: [2, 3, 4, 5] },
    { what: "on all axes together", op, from: 11, attributes: [int("axis", 0)] },
    { what: "on the last axis", op, from: 7, attributes: [int("axis", 2)] },
    { what: "on the last axis, counted from behind", op, from: 11, attributes: [int("axis", -1)] },
    { what: "on two axes, counted from behind", op, from: 11, attributes: [int("axis", -2)] },
    { what: "of a matrix, by default", op, from: 12, x: [3, 5] },
    { what: "on the middle axis alone, as it is since", op, from: 13, attributes: [int("axis", 1)] },
  ]),
  { what: "over axes", op: "ReduceSum", from: 7, attributes: [ints("axes", [0, 2]), int("keepdims", 0)] },
  { what: "over an axis from behind", op: "ReduceSum", from: 11, attributes: [ints("axes", [-2])] },
  { what: "over everything", op: "ReduceSum", from: 12 },
  { what: "of axes", op: "Squeeze", from: 7, attributes: [ints("axes", [0, 2])], x: [1, 3, 1, 1] },
  { what: "of all axes that can be", op: "Squeeze", from: 11, x: [1, 3, 1, 2] },
  { what: "to axes", op: "Unsqueeze", from: 7, attributes: [ints("axes", [0, 3])] },
  { what: "to an axis from behind", op: "Unsqueeze", from: 11, attributes: [ints("axes", [-1])] },
  { what: "in sizes", op: "Split", from: 7, attributes: [ints("split", [1, 3]), int("axis", 2)], outputs: ["y", "z"] },
  { what: "in equal parts", op: "Split", from: 11, attributes: [int("axis", 2)], outputs: ["y", "z"] },
  {
    what: "in equal parts, of opset 13",
    op: "Split",
    from: 13,
    attributes: [int("axis", 1)],
    outputs: ["y", "z", "u"],
  },
  {
    what: "in sizes, of opset 13",
    op: "Split",
    from: 13,
    attributes: [int("axis", 1)],
    constants: [BigInt64Array.of(1n, 2n)],
    outputs: ["y", "z"],
  },
  {
    what: "without a coordinate mode",
    op: "RoiAlign",
    from: 10,
    attributes: [int("output_height", 2), int("output_width", 2), int("sampling_ratio", 2)],
    x: [1, 2, 6, 6],
    constants: [Float32Array.of(0.3, 0.6, 4.2, 5.1), BigInt64Array.of(0n)],
    constantDims: [[1, 4], [1]],
    upTo: 21,
  },
  ...["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare"].flatMap((name): Case[] => [
    { what: "over axes", op: `Reduce${name}`, from: 7, attributes: [ints("axes", [1]), int("keepdims", 0)] },
    { what: "over axes from behind", op: `Reduce${name}`, from: 13, attributes: [ints("axes", [-1, 0])] },
    { what: "over everything", op: `Reduce${name}`, from: 17 },
  ]),
  { what: "on the default axis", op: "DFT", from: 17, x: [2, 8, 4, 1] },
  {
    what: "on another axis, one-sided",
    op: "DFT",
    from: 17,
    attributes: [int("axis", 2), int("onesided", 1)],
    x: [1, 3, 8, 1],
  },
  {
    what: "on an axis from behind, inverse",
    op: "DFT",
    from: 19,
    attributes: [int("axis", -2), int("inverse", 1)],
    x: [1, 3, 8, 2],
  },
  ...["bilinear", "bicubic", "nearest", undefined].map(
    (mode): Case => ({
      what: mode ?? "without a mode",
      op: "GridSample",
      from: 16,
      ...(mode !== undefined && { attributes: [string("mode", mode)] }),
      x: [1, 1, 4, 4],
      constants: [Float32Array.from({ length: 18 }, (_, i) => Math.sin(i))],
      constantDims: [[1, 3, 3, 2]],
    }),
  ),
];

function bn(): Float32Array[] {
  return [
    Float32Array.of(1, -2, 0.5),
    Float32Array.of(0, 1, 2),
    Float32Array.of(0.1, 0.2, -0.3),
    Float32Array.of(1, 2, 0.4),
  ];
}

/** A model of one node with the data input `x`. */
function build(c: Case): { model: OnnxModel; feeds: Record<string, Tensor> } {
  const tensors = new TensorStore();
  const dims = c.x ?? [2, 3, 4];
  const names = (c.constants ?? []).map((_, i) => `c${i}`);
  const initializers = (c.constants ?? []).map((data, i) =>
    tensor(
      tensors,
      `c${i}`,
      data instanceof Float32Array ? T.FLOAT : T.INT64,
      c.constantDims?.[i] ?? [data.length],
      data,
    ),
  );
  const outputs = c.outputs ?? ["y"];
  const model = modelOf({
    nodes: [node(c.op, ["x", ...names], outputs, { attributes: [...(c.attributes ?? [])] })],
    // Without a shape: the general form has to be right too.
    inputs: [
      valueInfo(
        "x",
        c.double ? T.DOUBLE : T.FLOAT,
        dims.map((_, i) => `d${i}`),
      ),
    ],
    outputs: outputs.map((name) => valueInfo(name, T.UNDEFINED)),
    initializers,
    opset: c.from,
    tensors,
  });
  // ONNX Runtime infers what is not declared.
  for (const output of model.graph.output) Reflect.deleteProperty(output, "type");
  const x = noisy(dims);
  const feeds = {
    x: c.double ? { ...x, type: "float64" as const, data: Float64Array.from(x.data as Float32Array) } : x,
  };
  return { model, feeds };
}

/** Every opset in which one of the operator's rewrites begins, and the newest. */
function targetsOf(c: Case): number[] {
  const upTo = c.upTo ?? newestOpset;
  const since = opsetRewrites.filter((r) => r.op === c.op && r.since > c.from && r.since <= upTo).map((r) => r.since);
  return [...new Set([...since, 13, 18, 21, upTo])].filter((t) => t > c.from && t <= upTo).sort((a, b) => a - b);
}

describe("an operator in its old form gives the same in its new one", () => {
  it.each(cases.map((c) => [c.op, c.from, c.what, c] as const))("%s of opset %i, %s", async (_op, _from, _what, c) => {
    const { model, feeds } = build(c);
    await expectSame(model, targetsOf(c), feeds);
  });

  it("for every operator that has a new form", () => {
    const possible = opsetRewrites.filter((rewrite) => rewrite.apply.length > 0).map((rewrite) => rewrite.op);
    const tested = new Set(cases.map((c) => c.op));
    expect(possible.filter((op) => !tested.has(op))).toEqual([]);
  });

  it("also where Dropout has a mask that nobody reads, which has another type since", async () => {
    const model = modelOf({
      nodes: [node("Dropout", ["x"], ["d", "mask"]), node("Relu", ["d"], ["y"])],
      inputs: [valueInfo("x", T.FLOAT, [2, 3])],
      outputs: [valueInfo("y", T.FLOAT, [2, 3])],
      opset: 7,
    });
    model.graph.valueInfo.push(valueInfo("mask", T.FLOAT, [2, 3]));
    const [, raised] = await expectSame(model, [10, 12, 13, 25], { x: noisy([2, 3]) });
    expect(raised?.graph.node[0]?.output).toEqual(["d"]);
    expect(raised?.graph.valueInfo).toEqual([]);
  });

  it("also where the model declares shapes", async () => {
    for (const axis of [1, 3]) {
      const model = modelOf({
        nodes: [node("Softmax", ["x"], ["y"], { attributes: [int("axis", axis)] })],
        inputs: [valueInfo("x", T.FLOAT, [2, 3, 4, 5])],
        outputs: [valueInfo("y", T.FLOAT, [2, 3, 4, 5])],
        opset: 11,
      });
      const [raised] = await expectSame(model, [25], { x: noisy([2, 3, 4, 5]) });
      // On the last axis one node does; else the axes are joined around it.
      expect(raised?.graph.node.map((n) => n.opType)).toEqual(
        axis === 3 ? ["Softmax"] : ["Shape", "Flatten", "Softmax", "Reshape"],
      );
    }
  });
});

describe("a whole model", () => {
  const softmax = (from: string, to: string) => node("Softmax", [from], [to], { attributes: [int("axis", 1)] });
  const clip = (from: string, to: string) =>
    node("Clip", [from], [to], { attributes: [float("min", 0), float("max", 0.2)] });

  it("of opset 7 and IR 3, with weights declared as inputs, gives the same in opset 25", async () => {
    const tensors = new TensorStore();
    const model = modelOf({
      nodes: [
        node("Pad", ["x"], ["p"], { attributes: [ints("pads", [0, 0, 1, 1, 0, 0, 1, 1])] }),
        node("Conv", ["p", "w"], ["c"]),
        clip("c", "r"),
        node("MaxPool", ["r"], ["m"], { attributes: [ints("kernel_shape", [2, 2]), ints("strides", [2, 2])] }),
        node("Upsample", ["m"], ["u"], { attributes: [floats("scales", [1, 1, 2, 2])] }),
        node("ReduceMean", ["u"], ["f"], { attributes: [ints("axes", [2, 3])] }),
        node("Squeeze", ["f"], ["s"], { attributes: [ints("axes", [2, 3])] }),
        softmax("s", "y"),
      ],
      inputs: [valueInfo("x", T.FLOAT, ["n", 3, 8, 8]), valueInfo("w", T.FLOAT, [4, 3, 3, 3])],
      outputs: [valueInfo("y", T.FLOAT, ["n", 4])],
      initializers: [tensor(tensors, "w", T.FLOAT, [4, 3, 3, 3], noisy([4, 3, 3, 3], 3).data as Float32Array)],
      opset: 7,
      ir: 3,
      tensors,
    });
    const [, raised] = await expectSame(model, [13, 25], { x: noisy([2, 3, 8, 8]) });
    expect(raised?.graph.input.map((input) => input.name)).toEqual(["x"]);
    expect(raised?.proto.irVersion).toBe(4n);
  });

  it("is rewritten in the bodies of If and Loop too", async () => {
    const tensors = new TensorStore();
    const branch = (nodes: NodeProto[], out: string) => graphOf({ nodes, outputs: [valueInfo(out, T.FLOAT)] });
    const body = graphOf({
      nodes: [clip("carried", "clipped"), softmax("clipped", "soft"), node("Identity", ["going"], ["goon"])],
      inputs: [valueInfo("i", T.INT64, []), valueInfo("going", T.BOOL, []), valueInfo("carried", T.FLOAT)],
      outputs: [valueInfo("goon", T.BOOL, []), valueInfo("soft", T.FLOAT)],
    });
    const model = modelOf({
      nodes: [
        node("If", ["cond"], ["chosen"], {
          attributes: [
            attribute.graph("then_branch", branch([softmax("x", "then")], "then")),
            attribute.graph("else_branch", branch([clip("x", "else")], "else")),
          ],
        }),
        node("Loop", ["three", "cond", "chosen"], ["y"], { attributes: [attribute.graph("body", body)] }),
      ],
      inputs: [valueInfo("x", T.FLOAT, [2, 3, 4])],
      outputs: [valueInfo("y", T.FLOAT)],
      initializers: [
        tensor(tensors, "cond", T.BOOL, [], Uint8Array.of(1)),
        tensor(tensors, "three", T.INT64, [], BigInt64Array.of(3n)),
      ],
      opset: 10,
      tensors,
    });
    await expectSame(model, [11, 13, 25], { x: noisy([2, 3, 4]) });
  });

  it("is rewritten in its functions too, which get their constants as nodes", async () => {
    const model = modelOf({
      nodes: [node("F", ["x"], ["y"], { domain: "local" })],
      inputs: [valueInfo("x", T.FLOAT, [2, 3, 4])],
      outputs: [valueInfo("y", T.FLOAT)],
      more: {
        opsetImport: [
          { domain: "", version: 11n },
          { domain: "local", version: 1n },
        ],
        functions: [
          create(FunctionProtoSchema, {
            name: "F",
            domain: "local",
            input: ["a"],
            output: ["b"],
            node: [
              node("Unsqueeze", ["a"], ["u"], { attributes: [ints("axes", [1])] }),
              softmax("u", "s"),
              node("ReduceMax", ["s"], ["b"], { attributes: [ints("axes", [0])] }),
            ],
            opsetImport: [{ domain: "", version: 11n }],
          }),
        ],
      },
    });
    const [, , raised] = await expectSame(model, [13, 18, 25], { x: noisy([2, 3, 4]) });
    expect(raised?.proto.functions[0]?.opsetImport[0]?.version).toBe(25n);
  });
});

describe("operators that block only for want of an implementation", () => {
  it("are those that ONNX Runtime knows in opset 21 and not in 22", async () => {
    const x = valueInfo("x", T.FLOAT, [1, 2, 8, 8]);
    const table = [
      ["Bernoulli", ["x"], []],
      ["GlobalLpPool", ["x"], []],
      ["MaxRoiPool", ["x", "rois"], [ints("pooled_shape", [2, 2])]],
      ["Multinomial", ["matrix"], []],
      ["RandomNormal", [], [ints("shape", [2])]],
      ["RandomNormalLike", ["x"], []],
      ["RandomUniform", [], [ints("shape", [2])]],
      ["RandomUniformLike", ["x"], []],
      ["RoiAlign", ["x", "boxes", "batch"], []],
    ] as const;
    expect(opsetRewrites.filter((r) => r.since === 22).map((r) => r.op)).toEqual(table.map(([op]) => op));
    const inputs = [
      x,
      valueInfo("rois", T.FLOAT, [1, 5]),
      valueInfo("boxes", T.FLOAT, [1, 4]),
      valueInfo("batch", T.INT64, [1]),
      valueInfo("matrix", T.FLOAT, [2, 3]),
    ];
    for (const [op, names, attributes] of table) {
      for (const opset of [21, 22]) {
        const model = modelOf({
          nodes: [node(op, [...names], ["y"], { attributes: [...attributes] })],
          inputs: inputs.filter((i) => (names as readonly string[]).includes(i.name)),
          outputs: [valueInfo("y", T.UNDEFINED)],
          opset,
        });
        for (const output of model.graph.output) Reflect.deleteProperty(output, "type");
        // Nothing is fed: a model that loads complains of that instead.
        const error = await runPlain(model, {}).then(
          () => undefined,
          (reason: Error) => `${reason.message} ${reason.cause}`,
        );
        if (opset === 22) expect(error, op).toMatch(/implement/i);
        else expect(error ?? "", op).not.toMatch(/implement/i);
      }
    }
  });
});
