import {
  type GraphProto,
  type ModelProto,
  type NodeProto,
  TensorProto_DataType as T,
  type ValueInfoProto,
} from "onnx-buf";
import { findAttribute, intAttribute } from "./build.ts";
import { attributeGraphs } from "./walk.ts";

const otherFloats = new Set<number>([T.FLOAT16, T.BFLOAT16, T.DOUBLE]);

/** What a model itself says of its values' types and ranks, in all its graphs. Names are unique across them. */
export class ModelFacts {
  private readonly types = new Map<string, number>();
  private readonly ranks = new Map<string, number>();
  private onlyFloat32 = true;

  constructor(model: ModelProto, graph: GraphProto) {
    this.addGraph(graph);
    for (const body of model.functions) {
      for (const value of body.valueInfo) this.addValue(value);
      this.addNodes(body.node);
    }
    for (const { initialization, algorithm } of model.trainingInfo) {
      if (initialization) this.addGraph(initialization);
      if (algorithm) this.addGraph(algorithm);
    }
  }

  /** Element type of a value that is known to be of a float type; undefined when the model does not say which. */
  floatType(name: string): number | undefined {
    return this.types.get(name) ?? (this.onlyFloat32 ? T.FLOAT : undefined);
  }

  rank(name: string): number | undefined {
    return this.ranks.get(name);
  }

  private addGraph(graph: GraphProto): void {
    for (const value of [...graph.input, ...graph.output, ...graph.valueInfo]) this.addValue(value);
    for (const { name, dataType, dims } of graph.initializer) this.add(name, dataType, dims.length);
    this.addNodes(graph.node);
  }

  private addNodes(nodes: readonly NodeProto[]): void {
    for (const node of nodes) {
      const constant = node.opType === "Constant" ? findAttribute(node, "value")?.t : undefined;
      if (constant) this.add(node.output[0] ?? "", constant.dataType, constant.dims.length);
      if (node.opType === "Cast") this.addType(node.output[0] ?? "", intAttribute(node, "to", 0));
      for (const attribute of node.attribute) {
        if (attribute.t) this.onlyFloat32 &&= !otherFloats.has(attribute.t.dataType);
        for (const { graph } of attributeGraphs(attribute)) this.addGraph(graph);
      }
    }
  }

  private addValue(value: ValueInfoProto): void {
    const type = value.type?.value;
    if (type?.case !== "tensorType") return;
    this.addType(value.name, type.value.elemType);
    if (type.value.shape) this.ranks.set(value.name, type.value.shape.dim.length);
  }

  private add(name: string, type: number, rank: number): void {
    this.addType(name, type);
    this.ranks.set(name, rank);
  }

  private addType(name: string, type: number): void {
    if (type !== T.UNDEFINED) this.types.set(name, type);
    this.onlyFloat32 &&= !otherFloats.has(type);
  }
}
