import { create } from "@bufbuild/protobuf";
import { type GraphProto, GraphProtoSchema, ModelProtoSchema, type NodeProto, TensorProto_DataType } from "onnx-buf";
import { intAttribute, intsAttribute, valueInfo } from "../onnx/build.ts";
import { captures } from "../onnx/cycles.ts";
import { copyMessage, copyModel, type OnnxModel } from "../onnx/model.ts";
import { attributeGraphs } from "../onnx/walk.ts";
import { elementTypeOf } from "../pipeline/elementTypes.ts";
import type { Inference } from "../ports.ts";
import { declaredShapes, tensorType } from "./assumedDims.ts";
import { graphScope, type Scope } from "./scope.ts";
import { type InferredShapes, inferShapes } from "./shapes.ts";

/** Key of a body's value among the shapes of a model, whose other keys are names of the main graph's values. */
export function bodyKey(path: string, name: string): string {
  return `${path}:${name}`;
}

/** What is known of a value outside of a body. */
interface Known {
  readonly type: number;
  readonly dims: readonly number[];
}

type KnownValues = (name: string) => Known | undefined;

/**
 * Shapes of the values in bodies of control flow, by `bodyKey`: each body is inferred as a model of its own, whose inputs are what
 * it takes from outside and, for loops, the values of the first round. A body with an input of unknown shape is left out.
 * @param main shapes of the main graph
 * @param wanted paths of the bodies whose values are asked for; those around them are inferred as well
 */
export async function inferBodyShapes(
  model: OnnxModel,
  main: InferredShapes,
  wanted: ReadonlySet<string>,
  inference: Inference,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const found = new Map<string, readonly number[]>();
  const within = async (graph: GraphProto, scope: Scope, path: string, known: KnownValues): Promise<void> => {
    for (const [index, node] of graph.node.entries()) {
      for (const attribute of node.attribute) {
        for (const { name, graph: body } of attributeGraphs(attribute)) {
          const own = `${path === "" ? "" : `${path}/`}${index}/${name}`;
          if (![...wanted].some((each) => each === own || each.startsWith(`${own}/`))) continue;
          signal?.throwIfAborted();
          const part = bodyModel(model, node, body, scope, known);
          if (part === undefined) continue;
          const shapes = await inferShapes(part, inference, {}, {}, signal);
          for (const [value, dims] of shapes.shapes) found.set(bodyKey(own, value), dims);
          const inside = knownFrom(shapes);
          await within(body, graphScope(body, scope, own), own, (value) => inside(value) ?? known(value));
        }
      }
    }
  };
  await within(model.graph, graphScope(model.graph), "", knownFrom(main));
  return found;
}

function knownFrom({ shapes, types }: InferredShapes): KnownValues {
  const elementTypes = elementTypeOf(types);
  return (name) => {
    const dims = shapes.get(name);
    const type = elementTypes.get(name);
    return dims && type !== undefined ? { type, dims } : undefined;
  };
}

/** A body as a model; undefined when the shape of something that it takes from outside is unknown. */
function bodyModel(
  model: OnnxModel,
  node: NodeProto,
  body: GraphProto,
  scope: Scope,
  known: KnownValues,
): OnnxModel | undefined {
  const part = create(GraphProtoSchema, { name: body.name || "body" });
  part.node = [...body.node];
  part.initializer = [...body.initializer];
  part.sparseInitializer = [...body.sparseInitializer];
  part.output = [...body.output];
  for (const name of captures(body)) {
    const constant = scope.constant(name);
    const value = known(name);
    // A Constant node's tensor may be called otherwise.
    if (constant) part.initializer.push(Object.assign(copyMessage(constant, model.tensors), { name }));
    else if (value) part.input.push(valueInfo(name, value.type, value.dims));
    else return undefined;
  }
  const given = firstRound(node, known);
  const declared = declaredShapes(body);
  for (const [i, input] of body.input.entries()) {
    const dims = given(i) ?? declared.get(input.name);
    if (dims === undefined) return undefined;
    part.input.push(valueInfo(input.name, tensorType(input)?.elemType || TensorProto_DataType.FLOAT, dims));
  }
  const { irVersion, opsetImport, functions } = model.proto;
  const proto = create(ModelProtoSchema, { irVersion, opsetImport, functions, graph: part });
  return copyModel({ proto, graph: part, tensors: model.tensors });
}

/** Shapes of a body's own inputs in the first round, by their place: of Loop (round, condition, values) and Scan (values, slices). */
function firstRound(node: NodeProto, known: KnownValues): (index: number) => readonly number[] | undefined {
  const dimsOf = (slot: number) => known(node.input[slot] ?? "")?.dims;
  if (node.opType === "Loop") return (index) => (index < 2 ? [] : dimsOf(index));
  if (node.opType !== "Scan") return () => undefined;
  const states = node.input.length - intAttribute(node, "num_scan_inputs", node.input.length);
  const axes = intsAttribute(node, "scan_input_axes") ?? [];
  return (index) => {
    const dims = dimsOf(index);
    if (index < states || dims === undefined) return dims;
    const axis = axes[index - states] ?? 0;
    return dims.filter((_, i) => i !== (axis < 0 ? axis + dims.length : axis));
  };
}
