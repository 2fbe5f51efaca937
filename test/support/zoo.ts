import { TensorProto_DataType as T } from "onnx-buf";
import { attribute, node } from "../../src/core/onnx/build.ts";
import { floats, halfWeight, ints, noise, type TinyModel, weight } from "./tinyModel.ts";

export interface ZooNet extends TinyModel {
  readonly inputs: Readonly<Record<string, readonly number[]>>;
}

const pads1 = attribute.ints("pads", [1, 1, 1, 1]);
const image = { x: [1, 4, 8, 8] };
const conv3 = (seed: number, dims = [6, 4, 3, 3]) => weight(dims, seed, 0.4);

/** Clip to [0, 6] as the opset writes it. */
function relu6(opset: number, from: string, to: string) {
  return opset < 11
    ? node("Clip", [from], [to], { attributes: [attribute.float("min", 0), attribute.float("max", 6)] })
    : node("Clip", [from, "zero", "six"], [to]);
}
const clipBounds = (opset: number): TinyModel["constants"] =>
  opset < 11 ? {} : { zero: floats([0], []), six: floats([6], []) };

/** Integers from 0 to a bound out of numbers between -1 and 1. */
const indices = (from: string, bound: string, to: string) => [
  node("Abs", [from], [`${to}.abs`]),
  node("Mul", [`${to}.abs`, bound], [`${to}.scaled`]),
  node("Cast", [`${to}.scaled`], [to], { attributes: [attribute.int("to", T.INT64)] }),
];

/** Small networks, one for each operator that layers are made of or that stands between layers; undefined where the opset has no such form. */
export const zoo: Readonly<Record<string, (opset: number) => ZooNet | undefined>> = {
  conv: () => ({
    inputs: image,
    outputs: ["y"],
    constants: { w: conv3(1), b: weight([6], 2) },
    nodes: [node("Conv", ["x", "w", "b"], ["y"], { attributes: [pads1] })],
  }),
  "conv, relu, conv without bias": () => ({
    inputs: image,
    outputs: ["y"],
    constants: { w: conv3(1), b: weight([6], 2), v: conv3(3, [5, 6, 1, 1]) },
    nodes: [
      node("Conv", ["x", "w", "b"], ["a"], { attributes: [pads1] }),
      node("Relu", ["a"], ["r"]),
      node("Conv", ["r", "v"], ["y"]),
    ],
  }),
  "depthwise conv": () => ({
    inputs: image,
    outputs: ["y"],
    constants: { w: conv3(1, [4, 1, 3, 3]), b: weight([4], 2), p: conv3(3, [6, 4, 1, 1]) },
    nodes: [
      node("Conv", ["x", "w", "b"], ["a"], { attributes: [pads1, attribute.int("group", 4)] }),
      node("Relu", ["a"], ["r"]),
      node("Conv", ["r", "p"], ["y"]),
    ],
  }),
  "grouped conv": () => ({
    inputs: image,
    outputs: ["y"],
    constants: { w: conv3(1, [6, 2, 3, 3]), b: weight([6], 2), p: conv3(3, [3, 6, 1, 1]) },
    nodes: [
      node("Conv", ["x", "w", "b"], ["a"], { attributes: [attribute.int("group", 2)] }),
      node("Conv", ["a", "p"], ["y"]),
    ],
  }),
  "conv in one dimension": () => ({
    inputs: { x: [1, 4, 16] },
    outputs: ["y"],
    constants: { w: conv3(1, [6, 4, 3]), b: weight([6], 2), p: conv3(3, [3, 6, 1]) },
    nodes: [node("Conv", ["x", "w", "b"], ["a"]), node("Conv", ["a", "p"], ["y"])],
  }),
  "conv transpose": () => ({
    inputs: image,
    outputs: ["y"],
    constants: { w: conv3(1, [4, 6, 2, 2]), b: weight([6], 2), p: conv3(3, [3, 6, 1, 1]) },
    nodes: [
      node("ConvTranspose", ["x", "w", "b"], ["a"], { attributes: [attribute.ints("strides", [2, 2])] }),
      node("Relu", ["a"], ["r"]),
      node("Conv", ["r", "p"], ["y"]),
    ],
  }),
  "grouped conv transpose": () => ({
    inputs: image,
    outputs: ["y"],
    constants: { w: conv3(1, [4, 3, 2, 2]), b: weight([6], 2), p: conv3(3, [3, 6, 1, 1]) },
    nodes: [
      node("ConvTranspose", ["x", "w", "b"], ["a"], {
        attributes: [attribute.ints("strides", [2, 2]), attribute.int("group", 2)],
      }),
      node("Conv", ["a", "p"], ["y"]),
    ],
  }),
  "gemm, transA": () => ({
    inputs: { x: [12, 3] },
    outputs: ["y"],
    constants: { w: weight([12, 8], 1, 0.4), b: weight([8], 2), v: weight([8, 5], 3, 0.4) },
    nodes: [
      node("Gemm", ["x", "w", "b"], ["a"], { attributes: [attribute.int("transA", 1)] }),
      node("Relu", ["a"], ["r"]),
      node("MatMul", ["r", "v"], ["y"]),
    ],
  }),
  "gemm, transB": () => ({
    inputs: { x: [3, 12] },
    outputs: ["y"],
    constants: { w: weight([8, 12], 1, 0.4), b: weight([8], 2), v: weight([5, 8], 3, 0.4), c: weight([1, 5], 4) },
    nodes: [
      node("Gemm", ["x", "w", "b"], ["a"], { attributes: [attribute.int("transB", 1)] }),
      node("Relu", ["a"], ["r"]),
      node("Gemm", ["r", "v", "c"], ["y"], { attributes: [attribute.int("transB", 1)] }),
    ],
  }),
  "gemm, weight on the left, alpha and beta": () => ({
    inputs: { x: [12, 3] },
    outputs: ["y"],
    constants: { w: weight([8, 12], 1, 0.4), z: weight([8, 1], 6), v: weight([5, 8], 3, 0.4), c: weight([5, 1], 4) },
    nodes: [
      node("Gemm", ["w", "x", "z"], ["a"]),
      node("Relu", ["a"], ["r"]),
      node("Gemm", ["v", "r", "c"], ["y"], { attributes: [attribute.float("alpha", 0.5), attribute.float("beta", 2)] }),
    ],
  }),
  "matmul of a sequence, with bias": () => ({
    inputs: { x: [2, 3, 12] },
    outputs: ["y"],
    constants: { w: weight([12, 8], 1, 0.4), b: weight([8], 2), v: weight([8, 5], 3, 0.4) },
    nodes: [
      node("MatMul", ["x", "w"], ["m"]),
      node("Add", ["m", "b"], ["a"]),
      node("Relu", ["a"], ["r"]),
      node("MatMul", ["r", "v"], ["y"]),
    ],
  }),
  "matmul of batched weights": () => ({
    inputs: { x: [2, 3, 12] },
    outputs: ["y"],
    constants: { w: weight([2, 12, 8], 1, 0.4), v: weight([2, 8, 5], 3, 0.4) },
    nodes: [node("MatMul", ["x", "w"], ["a"]), node("Relu", ["a"], ["r"]), node("MatMul", ["r", "v"], ["y"])],
  }),
  "matmul, weight on the left": () => ({
    inputs: { x: [12, 3] },
    outputs: ["y"],
    constants: { w: weight([8, 12], 1, 0.4), v: weight([5, 8], 3, 0.4) },
    nodes: [node("MatMul", ["w", "x"], ["a"]), node("Relu", ["a"], ["r"]), node("MatMul", ["v", "r"], ["y"])],
  }),
  embedding: () => ({
    inputs: { x: [2, 5] },
    outputs: ["y"],
    constants: { t: weight([12, 6], 1, 0.4), eleven: floats([11], []), v: weight([6, 5], 3, 0.4), b: weight([5], 4) },
    nodes: [
      ...indices("x", "eleven", "i"),
      node("Gather", ["t", "i"], ["e"]),
      node("MatMul", ["e", "v"], ["m"]),
      node("Add", ["m", "b"], ["y"]),
    ],
  }),
  "embedding, tied to the output behind a transpose": () => ({
    inputs: { x: [2, 5] },
    outputs: ["y"],
    constants: { t: weight([12, 6], 1, 0.4), eleven: floats([11], []), v: weight([6, 6], 3, 0.4) },
    nodes: [
      node("Transpose", ["t"], ["turned"], { attributes: [attribute.ints("perm", [1, 0])] }),
      ...indices("x", "eleven", "i"),
      node("Gather", ["t", "i"], ["e"]),
      node("MatMul", ["e", "v"], ["h"]),
      node("MatMul", ["h", "turned"], ["y"]),
    ],
  }),
  "embedding, tied to the output, of three axes beside it": () => ({
    inputs: { x: [2, 5] },
    outputs: ["y"],
    constants: {
      t: weight([12, 6], 1, 0.4),
      u: weight([12, 2, 3], 5, 0.4),
      eleven: floats([11], []),
      v: weight([6, 6], 3, 0.4),
      s: ints([-1, 6]),
      b: weight([6], 6),
      c: weight([12], 7),
    },
    nodes: [
      ...indices("x", "eleven", "i"),
      node("Gather", ["t", "i"], ["e"]),
      node("Gather", ["u", "i"], ["p"]),
      node("Reshape", ["e", "s"], ["f"]),
      node("Reshape", ["p", "s"], ["q"]),
      node("Add", ["f", "q"], ["a"]),
      node("Gemm", ["a", "v", "b"], ["h"]),
      node("Gemm", ["h", "t", "c"], ["y"], { attributes: [attribute.int("transB", 1)] }),
    ],
  }),
  lstm: () => ({
    inputs: { x: [5, 2, 6] },
    outputs: ["y"],
    constants: {
      w: weight([1, 16, 6], 1, 0.6),
      r: weight([1, 16, 4], 2, 0.6),
      b: weight([1, 32], 3),
      v: weight([4, 3], 4),
    },
    nodes: [
      node("LSTM", ["x", "w", "r", "b"], ["", "h"], { name: "lstm", attributes: [attribute.int("hidden_size", 4)] }),
      node("MatMul", ["h", "v"], ["y"]),
    ],
  }),
  /** As PyTorch's exporter writes it without folding constants. */
  "lstm whose gates are put in order": (opset) =>
    opset < 13
      ? undefined
      : {
          inputs: { x: [5, 2, 6] },
          outputs: ["y"],
          constants: {
            w: weight([16, 6], 1, 0.6),
            r: weight([16, 4], 2, 0.6),
            axis: ints([0]),
            ...Object.fromEntries([0, 4, 8, 12, 16].map((row) => [`row${row}`, ints([row])])),
          },
          nodes: [
            ...["w", "r"].flatMap((name) => [
              node("Slice", [name, "row0", "row4", "axis"], [`${name}.i`]),
              node("Slice", [name, "row12", "row16", "axis"], [`${name}.o`]),
              node("Slice", [name, "row4", "row12", "axis"], [`${name}.fc`]),
              node("Concat", [`${name}.i`, `${name}.o`, `${name}.fc`], [`${name}.rows`], {
                attributes: [attribute.int("axis", 0)],
              }),
              node("Unsqueeze", [`${name}.rows`, "axis"], [`${name}.ordered`]),
            ]),
            node("LSTM", ["x", "w.ordered", "r.ordered"], ["y"], {
              name: "lstm",
              attributes: [attribute.int("hidden_size", 4)],
            }),
          ],
        },
  "gru in both directions, behind a layer": () => ({
    inputs: { x: [5, 2, 6] },
    outputs: ["y"],
    constants: {
      v: weight([6, 6], 4, 0.4),
      w: weight([2, 12, 6], 1, 0.6),
      r: weight([2, 12, 4], 2, 0.6),
      b: weight([2, 24], 3),
    },
    nodes: [
      node("MatMul", ["x", "v"], ["m"]),
      node("GRU", ["m", "w", "r", "b"], ["y"], {
        name: "gru",
        attributes: [
          attribute.int("hidden_size", 4),
          attribute.int("linear_before_reset", 1),
          attribute.string("direction", "bidirectional"),
        ],
      }),
    ],
  }),
  "rnn beside a layer, its weights behind a chain": () => ({
    inputs: { x: [5, 2, 6] },
    outputs: ["y"],
    constants: {
      w: weight([6, 4], 1, 0.6),
      r: weight([1, 4, 4], 2, 0.6),
      v: weight([6, 4], 4, 0.4),
      s: ints([1, 4, 6]),
    },
    nodes: [
      node("Transpose", ["w"], ["t"]),
      node("Reshape", ["t", "s"], ["u"]),
      node("RNN", ["x", "u", "r"], ["", "h"], { name: "rnn", attributes: [attribute.int("hidden_size", 4)] }),
      node("MatMul", ["x", "v"], ["m"]),
      node("Add", ["m", "h"], ["y"]),
    ],
  }),
  "residual block": (opset) => ({
    inputs: image,
    outputs: ["y"],
    constants: {
      w: conv3(1, [4, 4, 3, 3]),
      b: weight([4], 2),
      v: conv3(3, [4, 4, 3, 3]),
      p: conv3(5, [3, 4, 1, 1]),
      ...clipBounds(opset),
    },
    nodes: [
      node("Conv", ["x", "w", "b"], ["a"], { attributes: [pads1] }),
      relu6(opset, "a", "r"),
      node("Conv", ["r", "v"], ["c"], { attributes: [pads1] }),
      node("Add", ["c", "r"], ["s"]),
      node("Relu", ["s"], ["t"]),
      node("Conv", ["t", "p"], ["y"]),
    ],
  }),
  "concat, pools": () => ({
    inputs: image,
    outputs: ["y"],
    constants: { w: conv3(1), b: weight([6], 2, 3), v: conv3(3), p: conv3(5, [3, 12, 1, 1]) },
    nodes: [
      node("Conv", ["x", "w", "b"], ["a"]),
      node("Conv", ["x", "v"], ["c"]),
      node("Concat", ["a", "c"], ["k"], { attributes: [attribute.int("axis", 1)] }),
      node("MaxPool", ["k"], ["m"], {
        attributes: [attribute.ints("kernel_shape", [2, 2]), attribute.ints("strides", [2, 2])],
      }),
      node("AveragePool", ["m"], ["v2"], { attributes: [attribute.ints("kernel_shape", [2, 2])] }),
      node("Conv", ["v2", "p"], ["y"]),
    ],
  }),
  classifier: () => ({
    inputs: image,
    outputs: ["y"],
    constants: { w: conv3(1), b: weight([6], 2), f: weight([5, 6], 3), c: weight([5], 4) },
    nodes: [
      node("Conv", ["x", "w", "b"], ["a"]),
      node("Relu", ["a"], ["r"]),
      node("GlobalAveragePool", ["r"], ["g"]),
      node("Flatten", ["g"], ["l"]),
      node("Gemm", ["l", "f", "c"], ["z"], { attributes: [attribute.int("transB", 1)] }),
      node("Softmax", ["z"], ["y"], { attributes: [attribute.int("axis", 1)] }),
    ],
  }),
  resize: (opset) =>
    opset < 11
      ? undefined
      : {
          inputs: image,
          outputs: ["y"],
          constants: { w: conv3(1), scales: floats([1, 1, 2, 2]), roi: floats([], [0]), p: conv3(5, [3, 6, 1, 1]) },
          nodes: [
            node("Conv", ["x", "w"], ["a"]),
            node("Resize", ["a", "roi", "scales"], ["z"], { attributes: [attribute.string("mode", "linear")] }),
            node("Conv", ["z", "p"], ["y"]),
          ],
        },
  /** ScaledTanh was withdrawn from ONNX, so that this network's opset can't be raised. */
  "withdrawn operator, upsample, residual, pools": (opset) =>
    opset > 9
      ? undefined
      : {
          inputs: image,
          outputs: ["y"],
          constants: {
            w: conv3(1),
            b: weight([6], 2),
            v: conv3(3),
            p: conv3(5, [3, 12, 1, 1]),
            f: weight([3, 5], 7),
            c5: weight([5], 8),
            ...(opset < 9 ? {} : { scales: floats([1, 1, 2, 2]) }),
          },
          nodes: [
            node("Conv", ["x", "w", "b"], ["a"]),
            node("Relu", ["a"], ["r"]),
            node("Conv", ["x", "v"], ["c0"]),
            node("ScaledTanh", ["c0"], ["c"], {
              attributes: [attribute.float("alpha", 2), attribute.float("beta", 0.5)],
            }),
            node("Add", ["r", "c"], ["s"]),
            node("Concat", ["s", "c"], ["k"], { attributes: [attribute.int("axis", 1)] }),
            node("MaxPool", ["k"], ["m"], {
              attributes: [attribute.ints("kernel_shape", [2, 2]), attribute.ints("strides", [2, 2])],
            }),
            node("Upsample", opset < 9 ? ["m"] : ["m", "scales"], ["u"], {
              attributes: opset < 9 ? [attribute.floats("scales", [1, 1, 2, 2])] : [],
            }),
            node("Conv", ["u", "p"], ["q"]),
            node("AveragePool", ["q"], ["t"], { attributes: [attribute.ints("kernel_shape", [2, 2])] }),
            node("GlobalAveragePool", ["t"], ["g"]),
            node("Flatten", ["g"], ["l"]),
            node("Gemm", ["l", "f", "c5"], ["y"]),
          ],
        },
  "squeeze and excite": () => ({
    inputs: image,
    outputs: ["y"],
    constants: { w: conv3(1), b: weight([6], 2), s: conv3(3, [6, 6, 1, 1]), p: conv3(5, [3, 6, 1, 1]) },
    nodes: [
      node("Conv", ["x", "w", "b"], ["a"]),
      node("Relu", ["a"], ["r"]),
      node("GlobalAveragePool", ["r"], ["g"]),
      node("Conv", ["g", "s"], ["e"]),
      node("HardSigmoid", ["e"], ["h"]),
      node("Mul", ["r", "h"], ["q"]),
      node("Conv", ["q", "p"], ["y"]),
    ],
  }),
  "weights shared, and behind a chain": () => ({
    inputs: { x: [3, 6] },
    outputs: ["y"],
    constants: { t: weight([6, 6], 1, 0.4), u: weight([5, 6], 3, 0.4), b: weight([6], 2) },
    nodes: [
      node("Transpose", ["t"], ["w"]),
      node("Gemm", ["x", "w", "b"], ["a"]),
      node("Relu", ["a"], ["r"]),
      node("Gemm", ["r", "w", "b"], ["c"]),
      node("Transpose", ["u"], ["v"]),
      node("MatMul", ["c", "v"], ["y"]),
    ],
  }),
  "weights stored as halves, computed as floats": () => ({
    inputs: image,
    outputs: ["y"],
    constants: { h: halfWeight([6, 4, 3, 3], 1, 0.4), b: weight([6], 2), p: conv3(3, [3, 6, 1, 1]) },
    nodes: [
      node("Cast", ["h"], ["w"], { attributes: [attribute.int("to", T.FLOAT)] }),
      node("Conv", ["x", "w", "b"], ["a"]),
      node("Relu", ["a"], ["r"]),
      node("Conv", ["r", "p"], ["y"]),
    ],
  }),
  "double precision": () => ({
    inputs: { x: [3, 12] },
    outputs: ["y"],
    constants: {
      w: { dims: [12, 8], data: Float64Array.from(noise(96), (v) => v * 0.4), type: T.DOUBLE },
      b: { dims: [8], data: Float64Array.from(noise(8, 2)), type: T.DOUBLE },
      v: { dims: [8, 5], data: Float64Array.from(noise(40, 3)), type: T.DOUBLE },
      c: { dims: [5], data: Float64Array.from(noise(5, 4)), type: T.DOUBLE },
    },
    nodes: [
      node("Cast", ["x"], ["xd"], { attributes: [attribute.int("to", T.DOUBLE)] }),
      node("MatMul", ["xd", "w"], ["m"]),
      node("Add", ["m", "b"], ["a"]),
      node("Gemm", ["a", "v", "c"], ["yd"]),
      node("Cast", ["yd"], ["y"], { attributes: [attribute.int("to", T.FLOAT)] }),
    ],
  }),
  "half precision": () => ({
    inputs: image,
    outputs: ["y"],
    constants: {
      w: halfWeight([6, 4, 3, 3], 1, 0.4),
      b: halfWeight([6], 2),
      v: halfWeight([5, 6], 3),
      c: halfWeight([5], 4),
    },
    nodes: [
      node("Cast", ["x"], ["xh"], { attributes: [attribute.int("to", T.FLOAT16)] }),
      node("Conv", ["xh", "w", "b"], ["a"]),
      node("Relu", ["a"], ["r"]),
      node("GlobalAveragePool", ["r"], ["g"]),
      node("Flatten", ["g"], ["l"]),
      node("Gemm", ["l", "v", "c"], ["yh"], { attributes: [attribute.int("transB", 1)] }),
      node("Cast", ["yh"], ["y"], { attributes: [attribute.int("to", T.FLOAT)] }),
    ],
  }),
};
