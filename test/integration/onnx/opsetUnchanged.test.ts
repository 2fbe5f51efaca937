import { type AttributeProto, TensorProto_DataType as T } from "onnx-buf";
import { describe, it } from "vitest";
import { attribute, node, tensor, valueInfo } from "../../../src/core/onnx/build.ts";
import { TensorStore } from "../../../src/core/onnx/tensors.ts";
import { graphOf, modelOf } from "../../support/onnx/models.ts";
import { expectSame } from "../../support/onnx/raise.ts";
import { noisy } from "../../support/ortRun.ts";

const { int, ints, float, string } = attribute;
type Data = Float32Array | BigInt64Array | Uint8Array | Int8Array;

type Unchanged = readonly [
  op: string,
  from: number,
  what: string,
  attributes: readonly AttributeProto[],
  x: readonly number[],
  constants?: readonly (readonly [dims: readonly number[], data: Data])[],
  outputs?: number,
];

/** Operators whose versions differ on paper without a change of meaning: that is checked where it is not plain. */
const cases: readonly Unchanged[] = [
  [
    "MaxPool",
    10,
    "rounding up",
    [ints("kernel_shape", [3, 3]), ints("strides", [2, 2]), ints("pads", [1, 1, 1, 1]), int("ceil_mode", 1)],
    [1, 1, 6, 8],
  ],
  ["MaxPool", 8, "with indices", [ints("kernel_shape", [2, 2])], [1, 2, 4, 4], [], 2],
  ["MaxPool", 7, "padded below", [ints("kernel_shape", [2, 2]), string("auto_pad", "SAME_LOWER")], [1, 1, 5, 5]],
  [
    "AveragePool",
    10,
    "rounding up",
    [ints("kernel_shape", [3, 3]), ints("strides", [2, 2]), int("ceil_mode", 1)],
    [1, 1, 6, 8],
  ],
  [
    "AveragePool",
    11,
    "rounding up, padding counted",
    [
      ints("kernel_shape", [3, 3]),
      ints("strides", [2, 2]),
      ints("pads", [1, 1, 1, 1]),
      int("ceil_mode", 1),
      int("count_include_pad", 1),
    ],
    [1, 1, 6, 8],
  ],
  [
    "AveragePool",
    7,
    "padded above, padding counted",
    [ints("kernel_shape", [2, 2]), string("auto_pad", "SAME_UPPER"), int("count_include_pad", 1)],
    [1, 1, 5, 5],
  ],
  ["LpPool", 7, "of norm 3", [ints("kernel_shape", [2, 2]), int("p", 3)], [1, 1, 5, 5]],
  ["LpNormalization", 7, "on an axis", [int("axis", 1), int("p", 1)], [2, 3, 4]],
  ["GlobalAveragePool", 7, "", [], [1, 2, 3, 4]],
  [
    "InstanceNormalization",
    7,
    "",
    [],
    [1, 2, 3, 4],
    [
      [[2], Float32Array.of(1, 2)],
      [[2], Float32Array.of(0, 1)],
    ],
  ],
  ["LRN", 7, "", [int("size", 3)], [1, 4, 2, 2]],
  [
    "Conv",
    7,
    "padded below",
    [string("auto_pad", "SAME_LOWER")],
    [1, 1, 5, 5],
    [[[1, 1, 2, 2], Float32Array.of(1, 2, 3, 4)]],
  ],
  ...["SAME_UPPER", "SAME_LOWER"].map(
    (pad) =>
      [
        "ConvTranspose",
        7,
        pad,
        [string("auto_pad", pad), ints("strides", [2, 2])],
        [1, 1, 3, 3],
        [[[1, 1, 3, 3], Float32Array.from({ length: 9 }, (_, i) => i)]],
      ] as const,
  ),
  [
    "ConvTranspose",
    10,
    "of a given shape",
    [ints("output_shape", [8, 8]), ints("strides", [2, 2])],
    [1, 1, 3, 3],
    [[[1, 1, 3, 3], Float32Array.from({ length: 9 }, (_, i) => i)]],
  ],
  [
    "Gemm",
    7,
    "",
    [float("alpha", 0.5), float("beta", 2), int("transB", 1)],
    [2, 3],
    [
      [[4, 3], Float32Array.from({ length: 12 }, (_, i) => i)],
      [[4], Float32Array.of(1, 2, 3, 4)],
    ],
  ],
  ["PRelu", 7, "", [], [1, 2, 3], [[[2, 1], Float32Array.of(0.1, 0.2)]]],
  ["Reshape", 7, "with a zero", [], [2, 3, 4], [[[2], BigInt64Array.of(0n, -1n)]]],
  ["Flatten", 8, "on axis 2", [int("axis", 2)], [2, 3, 4]],
  ["Cast", 7, "to int32", [int("to", T.INT32)], [2, 3]],
  ["Cast", 9, "to half precision", [int("to", T.FLOAT16)], [2, 3]],
  ["ArgMax", 7, "of equals", [int("axis", 1)], [2, 3]],
  ["DepthToSpace", 7, "", [int("blocksize", 2)], [1, 8, 2, 2]],
  ["Max", 7, "", [], [2, 3], [[[2, 3], Float32Array.of(0, 0, 0, 1, 1, 1)]]],
  ["Mean", 8, "broadcast", [], [2, 3], [[[3], Float32Array.of(0, 1, 2)]]],
  ["Gather", 7, "", [int("axis", 1)], [2, 3], [[[2], BigInt64Array.of(2n, 0n)]]],
  ["Concat", 7, "", [int("axis", 1)], [2, 3], [[[2, 1], Float32Array.of(0, 1)]]],
  ["Tile", 7, "", [], [2, 3], [[[2], BigInt64Array.of(2n, 1n)]]],
  ["Transpose", 7, "", [], [2, 3]],
  ["CumSum", 11, "reversed", [int("reverse", 1), int("exclusive", 1)], [2, 3], [[[], BigInt64Array.of(1n)]]],
  ["Mod", 10, "of floats", [int("fmod", 1)], [2, 3], [[[1], Float32Array.of(0.3)]]],
  ["GatherND", 11, "", [], [2, 3], [[[1, 2], BigInt64Array.of(1n, 2n)]]],
  ["QuantizeLinear", 10, "without a zero point", [], [2, 3], [[[], Float32Array.of(0.01)]]],
  [
    "QuantizeLinear",
    10,
    "signed",
    [],
    [2, 3],
    [
      [[], Float32Array.of(0.01)],
      [[], Int8Array.of(-3)],
    ],
  ],
  [
    "QuantizeLinear",
    13,
    "on axis 1",
    [],
    [2, 3],
    [
      [[3], Float32Array.of(0.01, 0.02, 0.03)],
      [[3], Uint8Array.of(128, 128, 0)],
    ],
  ],
  ["DynamicQuantizeLinear", 11, "", [], [2, 3], [], 3],
  [
    "LSTM",
    7,
    "two ways",
    [int("hidden_size", 3), string("direction", "bidirectional")],
    [4, 1, 2],
    [
      [[2, 12, 2], noisy([2, 12, 2], 2).data as Float32Array],
      [[2, 12, 3], noisy([2, 12, 3], 3).data as Float32Array],
    ],
    3,
  ],
  [
    "GRU",
    7,
    "",
    [int("hidden_size", 3), int("linear_before_reset", 1)],
    [4, 1, 2],
    [
      [[1, 9, 2], noisy([1, 9, 2], 2).data as Float32Array],
      [[1, 9, 3], noisy([1, 9, 3], 3).data as Float32Array],
    ],
    2,
  ],
  [
    "RNN",
    7,
    "",
    [int("hidden_size", 3)],
    [4, 1, 2],
    [
      [[1, 3, 2], noisy([1, 3, 2], 2).data as Float32Array],
      [[1, 3, 3], noisy([1, 3, 3], 3).data as Float32Array],
    ],
    2,
  ],
  ...["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"].flatMap((mode) =>
    ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil", "linear", "cubic"].map(
      (way) =>
        [
          "Resize",
          11,
          `${mode}, ${way}`,
          [
            string("coordinate_transformation_mode", mode),
            ...(way === "linear" || way === "cubic" ? [string("mode", way)] : [string("nearest_mode", way)]),
          ],
          [1, 1, 5, 6],
          [
            [[0], new Float32Array(0)],
            [[4], Float32Array.of(1, 1, 1.7, 0.6)],
          ],
        ] as const,
    ),
  ),
  [
    "Resize",
    11,
    "to sizes, scales empty",
    [],
    [1, 1, 5, 6],
    [
      [[0], new Float32Array(0)],
      [[0], new Float32Array(0)],
      [[4], BigInt64Array.of(1n, 1n, 7n, 4n)],
    ],
  ],
  [
    "Resize",
    11,
    "of a region",
    [string("coordinate_transformation_mode", "tf_crop_and_resize"), string("mode", "linear")],
    [1, 1, 5, 6],
    [
      [[8], Float32Array.of(0, 0, 0.2, 0.3, 1, 1, 0.8, 0.9)],
      [[0], new Float32Array(0)],
      [[4], BigInt64Array.of(1n, 1n, 3n, 3n)],
    ],
  ],
  [
    "Attention",
    23,
    "causal, capped",
    [int("is_causal", 1), float("softcap", 2)],
    [1, 2, 3, 4],
    [
      [[1, 2, 5, 4], noisy([1, 2, 5, 4], 2).data as Float32Array],
      [[1, 2, 5, 4], noisy([1, 2, 5, 4], 3).data as Float32Array],
    ],
  ],
];

const elementTypes = (data: Data) =>
  data instanceof Float32Array
    ? T.FLOAT
    : data instanceof BigInt64Array
      ? T.INT64
      : data instanceof Int8Array
        ? T.INT8
        : T.UINT8;

/** Sums of another order: AveragePool and others got new kernels. */
const rounding = 1e-6;

describe("an operator that kept its meaning gives the same in a newer opset", () => {
  it.each(cases.map((c) => [c[0], c[1], c[2], c] as const))(
    "%s of opset %i, %s",
    async (op, from, _what, [, , , attributes, x, constants = [], outputs = 1]) => {
      const tensors = new TensorStore();
      const results = Array.from({ length: outputs }, (_, i) => `y${i}`);
      const model = modelOf({
        nodes: [node(op, ["x", ...constants.map((_, i) => `c${i}`)], results, { attributes: [...attributes] })],
        inputs: [valueInfo("x", T.FLOAT, [...x])],
        outputs: results.map((name) => valueInfo(name, T.UNDEFINED)),
        initializers: constants.map(([dims, data], i) => tensor(tensors, `c${i}`, elementTypes(data), dims, data)),
        opset: from,
        tensors,
      });
      for (const output of model.graph.output) Reflect.deleteProperty(output, "type");
      const targets = [13, 19, 22, 25].filter((target) => target > from);
      await expectSame(model, targets, { x: noisy(x) }, rounding);
    },
  );

  it("NonMaxSuppression of opset 10", async () => {
    const tensors = new TensorStore();
    const model = modelOf({
      nodes: [node("NonMaxSuppression", ["x", "scores", "most", "iou"], ["y"])],
      inputs: [valueInfo("x", T.FLOAT, [1, 6, 4])],
      outputs: [valueInfo("y", T.INT64)],
      initializers: [
        tensor(tensors, "scores", T.FLOAT, [1, 1, 6], Float32Array.of(0.9, 0.75, 0.6, 0.95, 0.5, 0.3)),
        tensor(tensors, "most", T.INT64, [], BigInt64Array.of(4n)),
        tensor(tensors, "iou", T.FLOAT, [], Float32Array.of(0.5)),
      ],
      opset: 10,
      tensors,
    });
    await expectSame(model, [11, 13, 25], { x: noisy([1, 6, 4]) });
  });

  it("Loop of opset 7 and Scan of opset 9", async () => {
    const tensors = new TensorStore();
    const body = graphOf({
      nodes: [node("Add", ["sum", "next"], ["out"]), node("Identity", ["out"], ["each"])],
      inputs: [valueInfo("sum", T.FLOAT, [2]), valueInfo("next", T.FLOAT, [2])],
      outputs: [valueInfo("out", T.FLOAT, [2]), valueInfo("each", T.FLOAT, [2])],
    });
    const scan = modelOf({
      nodes: [
        node("Scan", ["start", "x"], ["last", "all"], {
          attributes: [attribute.graph("body", body), int("num_scan_inputs", 1)],
        }),
      ],
      inputs: [valueInfo("x", T.FLOAT, [3, 2])],
      outputs: [valueInfo("last", T.FLOAT, [2]), valueInfo("all", T.FLOAT, [3, 2])],
      initializers: [tensor(tensors, "start", T.FLOAT, [2], Float32Array.of(1, 2))],
      opset: 9,
      tensors,
    });
    await expectSame(scan, [11, 13, 25], { x: noisy([3, 2]) });
    const step = graphOf({
      nodes: [node("Mul", ["v", "x"], ["w"]), node("Cast", ["going"], ["goon"], { attributes: [int("to", T.BOOL)] })],
      inputs: [valueInfo("i", T.INT64, []), valueInfo("going", T.BOOL, []), valueInfo("v", T.FLOAT, [2])],
      outputs: [valueInfo("goon", T.BOOL, []), valueInfo("w", T.FLOAT, [2])],
    });
    const loop = modelOf({
      nodes: [node("Loop", ["three", "yes", "start"], ["y"], { attributes: [attribute.graph("body", step)] })],
      inputs: [valueInfo("x", T.FLOAT, [2])],
      outputs: [valueInfo("y", T.FLOAT, [2])],
      initializers: [
        tensor(tensors, "three", T.INT64, [], BigInt64Array.of(3n)),
        tensor(tensors, "yes", T.BOOL, [], Uint8Array.of(1)),
        tensor(tensors, "start", T.FLOAT, [2], Float32Array.of(1, 2)),
      ],
      opset: 7,
      tensors,
    });
    await expectSame(loop, [11, 13, 25], { x: noisy([2]) });
  });
});
