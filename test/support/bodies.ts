import { TensorProto_DataType as T } from "onnx-buf";
import { attribute, node } from "../../src/core/onnx/build.ts";
import type { TensorStore } from "../../src/core/onnx/tensors.ts";
import type { Tensor } from "../../src/core/ports.ts";
import { noisy } from "./ortRun.ts";
import { floats, halfWeight, ints, type TinyGraph, type TinyModel, tinyGraph, weight } from "./tinyModel.ts";

/** A network with weights in bodies, and feeds that lead through each of them. */
export interface BodyNet {
  readonly spec: TinyModel;
  readonly feeds: readonly Readonly<Record<string, Tensor>>[];
  /** Names of the layers, in order. */
  readonly layers: readonly string[];
}

const yes = (value: boolean): Tensor => ({ type: "bool", dims: [], data: Uint8Array.of(value ? 1 : 0) });
const condition = { type: T.BOOL, dims: [] };
const pads = attribute.ints("pads", [1, 1]);

/** Nets by what their bodies belong to. @param store where the bodies' constants go: the model's */
export const bodyNets: Readonly<Record<string, (store: TensorStore) => BodyNet>> = {
  "the branches of an If": (store) => {
    // Both branches use the same names for different values, as exporters do.
    const branch = (seed: number) =>
      tinyGraph(
        "branch",
        {
          outputs: ["out"],
          constants: { w: weight([6, 4, 3], seed, 0.4), b: weight([6], seed + 10), v: weight([6, 5], seed + 20, 0.4) },
          nodes: [
            node("Conv", ["m", "w", "b"], ["z"], { name: "conv", attributes: [pads] }),
            node("Relu", ["z"], ["r"]),
            node("Transpose", ["r"], ["t"], { attributes: [attribute.ints("perm", [0, 2, 1])] }),
            node("MatMul", ["t", "v"], ["out"], { name: "product" }),
          ],
        },
        store,
      );
    return {
      spec: {
        inputs: { x: [1, 3, 8], c: condition },
        outputs: ["y"],
        constants: { u: weight([4, 3, 1], 1, 0.4), p: weight([5, 2], 2, 0.4) },
        nodes: [
          node("Conv", ["x", "u"], ["m"], { name: "before" }),
          ifNode("c", "i", branch(3), branch(4)),
          node("MatMul", ["i", "p"], ["y"], { name: "behind" }),
        ],
      },
      feeds: [true, false].map((c) => ({ x: noisy([1, 3, 8]), c: yes(c) })),
      layers: ["before", "conv", "product", "conv_2", "product_2", "behind"],
    };
  },
  "an If inside an If": (store) => {
    const inner = (seed: number, name: string) =>
      tinyGraph(
        name,
        {
          outputs: ["deep"],
          constants: { w: weight([4, 4], seed) },
          nodes: [node("MatMul", ["x", "w"], ["deep"], { name })],
        },
        store,
      );
    const outer = tinyGraph(
      "outer",
      { outputs: ["mid"], nodes: [ifNode("d", "mid", inner(1, "one"), inner(2, "two"))] },
      store,
    );
    const other = tinyGraph(
      "other",
      {
        outputs: ["flat"],
        constants: { w: weight([4, 4], 3) },
        nodes: [node("Gemm", ["x", "w", "bias"], ["flat"], { name: "three" })],
      },
      store,
    );
    return {
      spec: {
        inputs: { x: [2, 4], c: condition, d: condition },
        outputs: ["y"],
        constants: { bias: weight([4], 5) },
        nodes: [ifNode("c", "y", outer, other)],
      },
      feeds: [
        [true, true],
        [true, false],
        [false, false],
      ].map(([c, d]) => ({ x: noisy([2, 4]), c: yes(c as boolean), d: yes(d as boolean) })),
      layers: ["one", "two", "three"],
    };
  },
  "a Loop, with a weight of its own and one that the main graph uses too": (store) => {
    const body = loopBody(store, {
      constants: { w: weight([4, 4], 1, 0.5) },
      nodes: [node("MatMul", ["state", "w"], ["a"], { name: "own" }), node("MatMul", ["a", "u"], ["next"])],
    });
    return {
      spec: {
        inputs: { x: [2, 4] },
        outputs: ["y"],
        constants: { u: weight([4, 4], 2, 0.5), n: ints([3], []) },
        nodes: [
          node("MatMul", ["x", "u"], ["m"], { name: "first" }),
          node("Loop", ["n", "", "m"], ["y"], { name: "loop", attributes: [attribute.graph("body", body)] }),
        ],
      },
      feeds: [{ x: noisy([2, 4]) }],
      layers: ["first", "own"],
    };
  },
  "an If in a Loop, and a table": (store) => {
    const branch = (seed: number) =>
      tinyGraph(
        "branch",
        {
          outputs: ["out"],
          constants: { w: weight([4, 4], seed, 0.5) },
          nodes: [node("MatMul", ["state", "w"], ["out"])],
        },
        store,
      );
    const body = loopBody(store, {
      constants: { t: weight([3, 4], 9) },
      nodes: [
        ifNode("c", "a", branch(1), branch(2)),
        node("Gather", ["t", "i"], ["row"]),
        node("Add", ["a", "row"], ["next"]),
      ],
    });
    return {
      spec: {
        inputs: { x: [2, 4], c: condition },
        outputs: ["y"],
        constants: { n: ints([3], []) },
        nodes: [node("Loop", ["n", "", "x"], ["y"], { attributes: [attribute.graph("body", body)] })],
      },
      feeds: [true, false].map((c) => ({ x: noisy([2, 4]), c: yes(c) })),
      layers: ["t", "w", "w_2"],
    };
  },
  "a Scan, of halves": (store) => {
    const half = (dims: readonly number[]) => ({ type: T.FLOAT16, dims });
    const body = tinyGraph(
      "body",
      {
        inputs: { state: half([1, 4]), row: half([1, 4]) },
        outputs: { next: half([1, 4]), seen: half([1, 4]) },
        constants: { w: halfWeight([4, 4], 1, 0.5) },
        nodes: [node("Gemm", ["state", "w", "row"], ["next"], { name: "step" }), node("Identity", ["next"], ["seen"])],
      },
      store,
    );
    return {
      spec: {
        inputs: { x: [5, 1, 4] },
        outputs: ["y"],
        constants: { start: floats([0.5, 0.25, -0.5, 1], [1, 4]) },
        nodes: [
          castTo("x", "xh", T.FLOAT16),
          castTo("start", "sh", T.FLOAT16),
          node("Scan", ["sh", "xh"], ["last", "all"], {
            attributes: [attribute.graph("body", body), attribute.int("num_scan_inputs", 1)],
          }),
          castTo("all", "y", T.FLOAT),
        ],
      },
      feeds: [{ x: noisy([5, 1, 4]) }],
      layers: ["step"],
    };
  },
};

function ifNode(
  condition: string,
  output: string,
  yes: ReturnType<typeof tinyGraph>,
  no: ReturnType<typeof tinyGraph>,
) {
  return node("If", [condition], [output], {
    attributes: [attribute.graph("then_branch", yes), attribute.graph("else_branch", no)],
  });
}

function loopBody(store: TensorStore, { constants, nodes }: Pick<TinyGraph, "constants" | "nodes">) {
  return tinyGraph(
    "body",
    {
      inputs: { i: { type: T.INT64, dims: [] }, on: condition, state: [2, 4] },
      outputs: { on2: condition, next: [2, 4] },
      ...(constants && { constants }),
      nodes: [node("Identity", ["on"], ["on2"]), ...nodes],
    },
    store,
  );
}

function castTo(from: string, to: string, type: number) {
  return node("Cast", [from], [to], { attributes: [attribute.int("to", type)] });
}
