import { type GraphProto, type NodeProto, type TensorProto, TensorProto_DataType } from "onnx-buf";
import {
  attribute,
  findAttribute,
  floatAttribute,
  intAttribute,
  intsAttribute,
  setAttribute,
  stringAttribute,
  tensor,
} from "./build.ts";
import { freshNames, opsetOf } from "./graph.ts";
import type { OnnxModel } from "./model.ts";

export interface OpsetChange {
  readonly from: number;
  /** Operators that have no equal in the newer opset, as far as is known here; the model is unchanged when there are any. */
  readonly blockers: readonly string[];
}

/** What an operator's change needs: a node of the main graph or a body, and a way to add constants to its graph. */
interface Place {
  readonly node: NodeProto;
  /** Adds an int64 vector (or float scalar) initializer to the node's graph; returns its name. */
  ints(values: readonly number[]): string;
  float(value: number): string;
  rankOf(value: string): number | undefined;
}

/**
 * How an operator written for an older opset is written in a newer one (ONNX operator changelog): `since` is the first
 * opset with the new form. Operators that are not here kept their meaning. Returns false when there is no equal form.
 */
const changes: readonly { readonly op: string; readonly since: number; readonly apply: (place: Place) => boolean }[] = [
  { op: "Clip", since: 11, apply: clipBounds },
  { op: "Dropout", since: 12, apply: dropoutRatio },
  { op: "Pad", since: 11, apply: (p) => intsToInput(p, "pads", 1) && padValue(p) },
  { op: "Slice", since: 10, apply: sliceRange },
  { op: "TopK", since: 10, apply: topKCount },
  { op: "Squeeze", since: 13, apply: (p) => intsToInput(p, "axes", 1) },
  { op: "Unsqueeze", since: 13, apply: (p) => intsToInput(p, "axes", 1) },
  { op: "ReduceSum", since: 13, apply: (p) => intsToInput(p, "axes", 1) },
  { op: "Split", since: 13, apply: (p) => intsToInput(p, "split", 1) },
  { op: "Split", since: 18, apply: splitCount },
  ...[
    "ReduceMean",
    "ReduceMax",
    "ReduceMin",
    "ReduceProd",
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceSumSquare",
  ].map((op) => ({ op, since: 18, apply: (p: Place) => intsToInput(p, "axes", 1) })),
  ...["Softmax", "LogSoftmax", "Hardmax"].map((op) => ({ op, since: 13, apply: lastAxisOnly })),
  { op: "GridSample", since: 20, apply: gridMode },
  { op: "RoiAlign", since: 16, apply: roiMode },
  { op: "BatchNormalization", since: 14, apply: (p) => p.node.output.filter((name) => name !== "").length === 1 },
  { op: "Upsample", since: 10, apply: () => false },
  { op: "Resize", since: 11, apply: () => false },
  { op: "Scatter", since: 11, apply: (p) => rename(p, "ScatterElements") },
  { op: "GroupNormalization", since: 21, apply: () => false },
];

/**
 * Raises the model's ONNX opset, rewriting the operators whose form changed. All or nothing.
 * @param target an opset of the domain "" that is newer than the model's
 * @param rankOf ranks of the main graph's values, where known
 */
export function raiseOpset(
  model: OnnxModel,
  target: number,
  rankOf: (value: string) => number | undefined = () => undefined,
): OpsetChange {
  const from = opsetOf(model.proto, "");
  const blockers = new Set<string>();
  // Functions have opsets of their own, but a body may not be mixed with a newer main graph's types.
  if (model.proto.functions.length > 0) blockers.add("model-local functions");
  const trial: (() => void)[] = [];
  for (const graph of graphsOf(model.graph)) {
    for (const node of graph.node) {
      if (node.domain !== "" && node.domain !== "ai.onnx") continue;
      const due = changes.filter((c) => c.op === node.opType && from < c.since && c.since <= target);
      if (due.length === 0) continue;
      const before = {
        input: [...node.input],
        attribute: [...node.attribute],
        opType: node.opType,
        initializers: [...graph.initializer],
      };
      trial.push(() => {
        node.input = before.input;
        node.attribute = before.attribute;
        node.opType = before.opType;
        graph.initializer = before.initializers;
      });
      const place = placeOf(model, graph, node, rankOf);
      for (const change of due) if (!change.apply(place)) blockers.add(node.opType);
    }
  }
  if (blockers.size > 0) {
    for (const undo of trial.reverse()) undo();
    return { from, blockers: [...blockers] };
  }
  for (const opset of model.proto.opsetImport)
    if (opset.domain === "" || opset.domain === "ai.onnx") opset.version = BigInt(target);
  return { from, blockers: [] };
}

function* graphsOf(graph: GraphProto): Generator<GraphProto> {
  yield graph;
  for (const node of graph.node) {
    for (const attr of node.attribute) {
      if (attr.g) yield* graphsOf(attr.g);
      for (const inner of attr.graphs) yield* graphsOf(inner);
    }
  }
}

function placeOf(model: OnnxModel, graph: GraphProto, node: NodeProto, rankOf: Place["rankOf"]): Place {
  const fresh = freshNames(model.graph);
  const add = (t: TensorProto) => {
    graph.initializer.push(t);
    return t.name;
  };
  const base = node.output[0] || node.opType;
  return {
    node,
    rankOf,
    ints: (values) =>
      add(
        tensor(
          model.tensors,
          fresh(`${base}.ints`),
          TensorProto_DataType.INT64,
          [values.length],
          BigInt64Array.from(values, BigInt),
        ),
      ),
    float: (value) =>
      add(tensor(model.tensors, fresh(`${base}.value`), TensorProto_DataType.FLOAT, [], new Float32Array([value]))),
  };
}

function removeAttribute(node: NodeProto, ...names: readonly string[]): void {
  node.attribute = node.attribute.filter((a) => !names.includes(a.name));
}

function setInput(node: NodeProto, slot: number, name: string): void {
  while (node.input.length <= slot) node.input.push("");
  node.input[slot] = name;
}

function intsToInput(place: Place, name: string, slot: number): boolean {
  const values = intsAttribute(place.node, name);
  if (values) setInput(place.node, slot, place.ints(values));
  removeAttribute(place.node, name);
  return true;
}

function clipBounds({ node, float }: Place): boolean {
  for (const [i, name] of (["min", "max"] as const).entries()) {
    if (findAttribute(node, name)) setInput(node, i + 1, float(floatAttribute(node, name, 0)));
  }
  removeAttribute(node, "min", "max");
  return true;
}

/** At inference Dropout hands its input on whatever the ratio. */
function dropoutRatio({ node }: Place): boolean {
  removeAttribute(node, "ratio");
  return true;
}

function padValue({ node, float }: Place): boolean {
  if (findAttribute(node, "value")) setInput(node, 2, float(floatAttribute(node, "value", 0)));
  removeAttribute(node, "value");
  return true;
}

function sliceRange({ node, ints }: Place): boolean {
  const [starts, ends, axes] = ["starts", "ends", "axes"].map((name) => intsAttribute(node, name));
  if (!starts || !ends) return false;
  setInput(node, 1, ints(starts));
  setInput(node, 2, ints(ends));
  if (axes) setInput(node, 3, ints(axes));
  removeAttribute(node, "starts", "ends", "axes");
  return true;
}

function topKCount({ node, ints }: Place): boolean {
  setInput(node, 1, ints([intAttribute(node, "k", 1)]));
  removeAttribute(node, "k");
  return true;
}

function splitCount({ node }: Place): boolean {
  const hasSizes = (node.input[1] ?? "") !== "";
  if (!hasSizes) node.attribute.push(attribute.int("num_outputs", node.output.length));
  return true;
}

/** Before opset 13 Softmax flattened all axes behind `axis` (default 1): the same where that is the last axis. */
function lastAxisOnly({ node, rankOf }: Place): boolean {
  const axis = intAttribute(node, "axis", 1);
  const rank = rankOf(node.input[0] ?? "");
  if (axis !== -1 && axis + 1 !== rank) return false;
  setAttribute(node, attribute.int("axis", -1));
  return true;
}

function gridMode({ node }: Place): boolean {
  const renamed: Readonly<Record<string, string>> = { bilinear: "linear", bicubic: "cubic", nearest: "nearest" };
  const mode = renamed[stringAttribute(node, "mode", "bilinear")];
  if (mode === undefined) return false;
  removeAttribute(node, "mode");
  node.attribute.push(attribute.string("mode", mode));
  return true;
}

function roiMode({ node }: Place): boolean {
  if (!findAttribute(node, "coordinate_transformation_mode")) {
    node.attribute.push(attribute.string("coordinate_transformation_mode", "output_half_pixel"));
  }
  return true;
}

function rename({ node }: Place, opType: string): boolean {
  node.opType = opType;
  return true;
}
