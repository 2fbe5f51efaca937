import type { GraphProto, TypeProto_Tensor, ValueInfoProto } from "onnx-buf";
import { SigmaQuantError } from "../errors.ts";
import { valueInfo } from "../onnx/build.ts";
import { copyModel, type OnnxModel } from "../onnx/model.ts";
import { modelBytes } from "../onnx/write.ts";
import type { Inference, ValueInfo } from "../ports.ts";
import { unshaped } from "./subgraph.ts";

/** A dimension that the model leaves open, and the value all figures assume for it. */
export interface AssumedDim {
  readonly input: string;
  readonly axis: number;
  /** Its symbolic name, "" without one. */
  readonly name: string;
  readonly value: number;
}

export interface InferredShapes {
  /** Dimensions by value name, where all are known. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Element types by value name, as ONNX Runtime names them. */
  readonly types: ReadonlyMap<string, ValueInfo["type"]>;
  readonly assumed: readonly AssumedDim[];
  /** Why shapes are missing, for the user; undefined when the runtime inferred them. */
  readonly problem?: string;
}

/** Payloads up to this size can decide shapes (Reshape targets, slice bounds) and stay; weights become inputs. */
const maxShapeConstantBytes = 4096;

/** Defaults for open dimensions; shown to the user as assumed, changed by --dim. Our choice: the usual export sizes. */
const defaultDims = { batch: 1, image: 224, sequence: 128, other: 1 } as const;

/**
 * Shapes of all values of the main graph, inferred by ONNX Runtime: every value becomes an output, large weights become
 * inputs of known shape (so that no weight is read), open dimensions get their assumed values.
 * @param dims values by symbolic name, or `input.axis` for unnamed ones
 */
export async function inferShapes(
  model: OnnxModel,
  inference: Inference,
  dims: Readonly<Record<string, number>> = {},
  signal?: AbortSignal,
): Promise<InferredShapes> {
  const copy = copyModel(model);
  const { graph } = copy;
  const assumed = fixInputDims(graph, dims);
  weightsToInputs(copy);
  graph.valueInfo = [];
  const names = new Set<string>();
  for (const node of graph.node) for (const name of node.output) if (name !== "") names.add(name);
  graph.output = [...names].map((name) => unshaped(name, undefined));
  signal?.throwIfAborted();
  const shapes = new Map<string, readonly number[]>();
  const types = new Map<string, ValueInfo["type"]>();
  const take = (values: readonly ValueInfo[]) => {
    for (const value of values) {
      types.set(value.name, value.type);
      if (value.dims.every((d): d is number => typeof d === "number" && d >= 0)) shapes.set(value.name, value.dims);
    }
  };
  try {
    const session = await inference.open(await modelBytes(copy, signal), { optimization: "disabled" });
    take(session.inputs);
    take(session.outputs);
    await session.close();
  } catch (error) {
    if (signal?.aborted) throw error;
    const reason = error instanceof SigmaQuantError ? error.message : String(error);
    return { shapes: declaredShapes(graph), types, assumed, problem: `Shapes are unknown: ${reason}` };
  }
  return { shapes, types, assumed };
}

/** Where the runtime cannot help: what the file itself declares. */
function declaredShapes(graph: GraphProto): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  for (const value of [...graph.input, ...graph.valueInfo, ...graph.output]) {
    const dims = tensorType(value)?.shape?.dim.map((d) => (d.value.case === "dimValue" ? Number(d.value.value) : -1));
    if (dims?.every((d) => d >= 0)) shapes.set(value.name, dims);
  }
  return shapes;
}

export function tensorType(value: ValueInfoProto): TypeProto_Tensor | undefined {
  return value.type?.value.case === "tensorType" ? value.type.value.value : undefined;
}

function weightsToInputs({ graph, tensors }: OnnxModel): void {
  const inputs = new Set(graph.input.map((v) => v.name));
  const large = graph.initializer.filter((t) => tensors.byteLength(t) > maxShapeConstantBytes);
  for (const tensor of large) {
    if (inputs.has(tensor.name)) continue;
    graph.input.push(valueInfo(tensor.name, tensor.dataType, tensor.dims.map(Number)));
  }
  const removed = new Set(large);
  graph.initializer = graph.initializer.filter((t) => !removed.has(t));
}

/** Gives every open dimension of the real inputs a value; the same symbol gets the same value everywhere. */
function fixInputDims(graph: GraphProto, dims: Readonly<Record<string, number>>): AssumedDim[] {
  const constants = new Set(graph.initializer.map((t) => t.name));
  const bySymbol = new Map<string, number>();
  const assumed: AssumedDim[] = [];
  for (const input of graph.input) {
    const shape = tensorType(input)?.shape;
    if (constants.has(input.name) || shape === undefined) continue;
    for (const [axis, dim] of shape.dim.entries()) {
      if (dim.value.case === "dimValue" && Number(dim.value.value) > 0) continue;
      const name = dim.value.case === "dimParam" ? dim.value.value : "";
      const value =
        dims[name] ?? dims[`${input.name}.${axis}`] ?? bySymbol.get(name) ?? defaultDim(name, axis, shape.dim.length);
      if (name !== "") bySymbol.set(name, value);
      assumed.push({ input: input.name, axis, name, value });
      dim.value = { case: "dimValue", value: BigInt(value) };
    }
  }
  return assumed;
}

function defaultDim(name: string, axis: number, rank: number): number {
  if (/batch|^n$|^b$/i.test(name) || axis === 0) return defaultDims.batch;
  if (/height|width|^h$|^w$/i.test(name)) return defaultDims.image;
  if (/seq|length|time|tokens/i.test(name)) return defaultDims.sequence;
  if (rank === 4 && axis >= 2) return defaultDims.image;
  return rank <= 3 && axis === 1 ? defaultDims.sequence : defaultDims.other;
}
