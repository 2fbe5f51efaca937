import { type GraphProto, type NodeProto, TensorProto_DataType as T, type TensorProto } from "onnx-buf";
import { valueInfo } from "../onnx/build.ts";
import { copyModel, type OnnxModel } from "../onnx/model.ts";
import { type AssumedDim, declaredShapes, fixDims, tensorType } from "./assumedDims.ts";
import { constantValue, isConstant } from "./constantNode.ts";
import { unshaped } from "./subgraph.ts";

/** A variant of a model that a runtime infers shapes with. */
export interface ShapeModel {
  readonly model: OnnxModel;
  readonly assumed: readonly AssumedDim[];
  /** Shapes that the file declares, open dimensions at their assumed values. */
  readonly declared: ReadonlyMap<string, readonly number[]>;
  /** Shapes of the graph's constants. */
  readonly constants: ReadonlyMap<string, readonly number[]>;
  /** Values that the variant gives out. */
  readonly values: readonly string[];
  /** Bytes of the weights that are, or would be, inputs. */
  readonly weightBytes: number;
}

/** Payloads up to this size can decide shapes (Reshape targets, slice bounds) and stay; weights become inputs. Our choice. */
const maxShapeConstantBytes = 4096;

/** Types that can be inputs of a session in JavaScript (the binding names no other). */
const inputTypes: ReadonlySet<number> = new Set<number>([
  T.FLOAT,
  T.DOUBLE,
  T.FLOAT16,
  T.INT8,
  T.UINT8,
  T.INT16,
  T.UINT16,
  T.INT32,
  T.UINT32,
  T.INT64,
  T.UINT64,
  T.BOOL,
  T.INT4,
  T.UINT4,
]);

/** Domains whose operators ONNX Runtime has. */
const runtimeDomains = new Set(["", "ai.onnx", "ai.onnx.ml", "com.microsoft", "ai.onnx.preview.training"]);

/** Operators that ONNX Runtime can't know, each once: of other domains, and no functions of the model. */
export function foreignOps(model: OnnxModel): readonly string[] {
  const functions = functionsOf(model);
  return [...new Set(model.graph.node.filter((n) => isForeign(n, functions)).map((n) => `${n.domain}.${n.opType}`))];
}

function functionsOf({ proto }: OnnxModel): ReadonlySet<string> {
  return new Set(proto.functions.map((body) => `${body.domain} ${body.name}`));
}

function isForeign(node: NodeProto, functions: ReadonlySet<string>): boolean {
  return !runtimeDomains.has(node.domain) && !functions.has(`${node.domain} ${node.opType}`);
}

/**
 * A copy of the model with open dimensions fixed and every value as an output.
 * @param dims see fixDims
 * @param options.weightsAsInputs large constants become inputs, so that their data are not read
 * @param options.withoutForeign results of operators that ONNX Runtime lacks become inputs
 */
export function shapeModel(
  original: OnnxModel,
  dims: Readonly<Record<string, number>>,
  options: { readonly weightsAsInputs: boolean; readonly withoutForeign?: boolean },
): ShapeModel {
  const model = copyModel(original);
  const { graph } = model;
  const assumed = fixDims(graph, dims);
  const declared = declaredShapes(graph);
  const constants = constantShapes(graph);
  if (options.withoutForeign) cutForeign(model);
  const weightBytes = weightsToInputs(model, options.weightsAsInputs);
  const values = new Set<string>();
  for (const node of graph.node) for (const name of node.output) if (name !== "") values.add(name);
  graph.valueInfo = [];
  graph.output = [...values].map((name) => unshaped(name, undefined));
  return { model, assumed, declared, constants, values: [...values], weightBytes };
}

function constantShapes(graph: GraphProto): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  for (const tensor of graph.initializer) shapes.set(tensor.name, tensor.dims.map(Number));
  for (const node of graph.node.filter(isConstant)) {
    const tensor = constantValue(node);
    if (tensor) shapes.set(node.output[0] ?? "", tensor.dims.map(Number));
  }
  return shapes;
}

function weightsToInputs(model: OnnxModel, change: boolean): number {
  const { graph, tensors } = model;
  const inputs = new Set(graph.input.map((v) => v.name));
  let bytes = 0;
  /** Whether the constant is large; if asked for, it becomes an input. */
  const take = (name: string, tensor: TensorProto | undefined): boolean => {
    if (tensor === undefined || !inputTypes.has(tensor.dataType)) return false;
    const size = tensors.byteLength(tensor);
    if (size <= maxShapeConstantBytes) return false;
    bytes += size;
    if (change && !inputs.has(name)) graph.input.push(valueInfo(name, tensor.dataType, tensor.dims.map(Number)));
    return change;
  };
  graph.initializer = graph.initializer.filter((tensor) => !take(tensor.name, tensor));
  graph.node = graph.node.filter((node) => !(isConstant(node) && take(node.output[0] ?? "", constantValue(node))));
  return bytes;
}

/** Results of unknown operators become inputs, of the shape and type that the file declares; float32 where it declares none. */
function cutForeign(model: OnnxModel): void {
  const { graph } = model;
  const functions = functionsOf(model);
  const declared = new Map([...graph.valueInfo, ...graph.output].map((value) => [value.name, value]));
  const kept: GraphProto["node"] = [];
  for (const node of graph.node) {
    if (!isForeign(node, functions)) {
      kept.push(node);
      continue;
    }
    for (const name of node.output) {
      if (name === "") continue;
      const value = declared.get(name);
      graph.input.push(value && tensorType(value) ? value : unshaped(name, T.FLOAT));
    }
  }
  graph.node = kept;
}
