import { TensorProto_DataType as T } from "onnx-buf";
import { attribute, node } from "../../src/core/onnx/build.ts";
import { type Constant, floats, ints, type TinyModel, weight } from "./tinyModel.ts";

const vocabulary = 300;
const width = 32;
const heads = 4;
const hidden = 64;
const sequence = 12;
export const transformerClasses = 5;

/** Of a size that sums over `inputs` products keep: 1 / sqrt(inputs) * sqrt(3), as the noise is uniform. */
const matrix = (inputs: number, outputs: number, seed: number): Constant =>
  weight([inputs, outputs], seed, Math.sqrt(3 / inputs));

/** A linear layer of a sequence, as exporters write it: MatMul and Add. */
function linear(name: string, from: string, to: string) {
  return [
    node("MatMul", [from, `${name}.weight`], [`${name}.product`], { name }),
    node("Add", [`${name}.bias`, `${name}.product`], [to], { name: `${name}.add` }),
  ];
}

function split(from: string, to: string, perm: readonly number[]) {
  return [
    node("Reshape", [from, "split"], [`${to}.split`], { name: `${to}.reshape` }),
    node("Transpose", [`${to}.split`], [to], { name: `${to}.transpose`, attributes: [attribute.ints("perm", perm)] }),
  ];
}

/**
 * A sentence classifier with one block of attention and an embedding table, with made-up weights: token numbers [batch, 12] to
 * scores [batch, 5].
 */
export function transformer(): TinyModel {
  return {
    opset: 17,
    inputs: { ids: { type: T.INT64, dims: ["batch", sequence] } },
    outputs: { scores: ["batch", transformerClasses] },
    constants: {
      "embed.weight": weight([vocabulary, width], 1),
      positions: weight([sequence, width], 2),
      "last.token": ints([vocabulary - 1], []),
      ...Object.fromEntries(
        ["query", "key", "value", "out"].flatMap((name, i) => [
          [`${name}.weight`, matrix(width, width, 3 + i)],
          [`${name}.bias`, weight([width], 13 + i, 0.1)],
        ]),
      ),
      "up.weight": matrix(width, hidden, 7),
      "up.bias": weight([hidden], 17, 0.1),
      "down.weight": matrix(hidden, width, 8),
      "down.bias": weight([width], 18, 0.1),
      "head.weight": weight([transformerClasses, width], 9, 0.6),
      "head.bias": weight([transformerClasses], 19, 0.1),
      split: ints([0, sequence, heads, width / heads]),
      join: ints([0, sequence, width]),
      depth: floats([Math.sqrt(width / heads)], []),
      gain: floats(new Array<number>(width).fill(1)),
      shift: floats(new Array<number>(width).fill(0)),
    },
    nodes: [
      // Samples that are made up may be larger than the vocabulary.
      node("Min", ["ids", "last.token"], ["token"], { name: "limit" }),
      node("Gather", ["embed.weight", "token"], ["embedded"], { name: "embed" }),
      node("Add", ["embedded", "positions"], ["x"], { name: "position" }),
      ...linear("query", "x", "q"),
      ...linear("key", "x", "k"),
      ...linear("value", "x", "v"),
      ...split("q", "queries", [0, 2, 1, 3]),
      ...split("k", "keys", [0, 2, 3, 1]),
      ...split("v", "values", [0, 2, 1, 3]),
      node("MatMul", ["queries", "keys"], ["products"], { name: "attention" }),
      node("Div", ["products", "depth"], ["scaled"]),
      node("Softmax", ["scaled"], ["attended"], { attributes: [attribute.int("axis", -1)] }),
      node("MatMul", ["attended", "values"], ["mixed"], { name: "mix" }),
      node("Transpose", ["mixed"], ["rows"], { attributes: [attribute.ints("perm", [0, 2, 1, 3])] }),
      node("Reshape", ["rows", "join"], ["joined"]),
      ...linear("out", "joined", "attention.out"),
      node("Add", ["x", "attention.out"], ["residual"]),
      node("LayerNormalization", ["residual", "gain", "shift"], ["normal"]),
      ...linear("up", "normal", "wide"),
      node("Relu", ["wide"], ["active"]),
      ...linear("down", "active", "narrow"),
      node("Add", ["normal", "narrow"], ["block"]),
      node("ReduceMean", ["block"], ["pooled"], {
        attributes: [attribute.ints("axes", [1]), attribute.int("keepdims", 0)],
      }),
      node("Gemm", ["pooled", "head.weight", "head.bias"], ["scores"], {
        name: "head",
        attributes: [attribute.int("transB", 1)],
      }),
    ],
  };
}
