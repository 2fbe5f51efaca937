import { type NodeProto, type TensorProto, TensorProto_DataType } from "onnx-buf";
import { type NodePaths, nodePaths } from "../model/paths.ts";
import { attribute, node, tensor } from "../onnx/build.ts";
import { freshNames } from "../onnx/graph.ts";
import type { OnnxModel } from "../onnx/model.ts";

/** ONNX Runtime's own domain: its QuantizeLinear and DequantizeLinear take int4 and 16 bits in a model of any opset. */
export const msDomain = "com.microsoft";

/**
 * Nodes to be put into a graph next to those it has, and constants for them. Nothing moves before `apply`, so that
 * paths of nodes stay good until then.
 */
export class GraphEdit {
  readonly model: OnnxModel;
  /** A name that is not taken yet: the wanted one, or with a number behind. */
  readonly fresh: (wanted: string) => string;
  private readonly paths: NodePaths;
  private readonly first: NodeProto[] = [];
  private readonly before = new Map<NodeProto, NodeProto[]>();
  private readonly after = new Map<NodeProto, NodeProto[]>();

  /** @param paths where nodes are, if others have been put between them since (a raised opset does) */
  constructor(model: OnnxModel, paths: NodePaths = nodePaths(model.graph)) {
    this.model = model;
    this.fresh = freshNames(model.graph);
    this.paths = paths;
  }

  /** The node at a path (see Layer.nodes) as it was when the edit began, or in the paths given to it. */
  at(path: string): NodeProto {
    return this.paths.nodes.get(path)?.node as NodeProto;
  }

  /** Adds an initializer to a graph, the main one unless its path says otherwise. */
  constant(
    wanted: string,
    dataType: number,
    dims: readonly number[],
    data: Parameters<typeof tensor>[4],
    home = "",
  ): TensorProto {
    const made = tensor(this.model.tensors, this.fresh(wanted), dataType, dims, data);
    (this.paths.graphs.get(home) ?? this.model.graph).initializer.push(made);
    return made;
  }

  putFirst(...nodes: readonly NodeProto[]): void {
    this.first.push(...nodes);
  }

  putBefore(place: NodeProto, ...nodes: readonly NodeProto[]): void {
    this.before.set(place, [...(this.before.get(place) ?? []), ...nodes]);
  }

  putAfter(place: NodeProto, ...nodes: readonly NodeProto[]): void {
    this.after.set(place, [...(this.after.get(place) ?? []), ...nodes]);
  }

  apply(): void {
    const { graph } = this.model;
    for (const each of new Set([graph, ...this.paths.graphs.values()])) {
      const nodes = each.node.flatMap((n) => [...(this.before.get(n) ?? []), n, ...(this.after.get(n) ?? [])]);
      each.node = each === graph ? [...this.first, ...nodes] : nodes;
    }
  }
}

/** `value` as another element type: the value itself where it has that type already. */
export function cast(
  edit: GraphEdit,
  value: string,
  from: number,
  to: number,
): { readonly nodes: readonly NodeProto[]; readonly output: string } {
  if (from === to) return { nodes: [], output: value };
  const output = edit.fresh(`${value}.cast`);
  return { nodes: [castNode(value, output, to)], output };
}

export function castNode(from: string, to: string, elementType: number): NodeProto {
  return node("Cast", [from], [to], { attributes: [attribute.int("to", elementType)] });
}

export const float = TensorProto_DataType.FLOAT;
