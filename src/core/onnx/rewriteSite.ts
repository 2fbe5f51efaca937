import { create } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType as T,
  type TensorProto,
} from "onnx-buf";
import { numberToHalf } from "../data/half.ts";
import { attribute, findAttribute, node, setAttribute, tensor } from "./build.ts";
import type { ModelFacts } from "./modelFacts.ts";
import type { TensorStore } from "./tensors.ts";

/** What the rewrites of one graph or function body share. */
export interface RewriteScope {
  readonly facts: ModelFacts;
  /** Rank of a value, where it is known. */
  readonly rankOf: (value: string) => number | undefined;
  readonly tensors: TensorStore;
  /** The opset that is raised to. */
  readonly target: number;
  readonly fresh: (wanted: string) => string;
  /** Makes a tensor a constant of the graph under its own name. */
  addConstant(constant: TensorProto): void;
  /** A constant of this graph or one around it. */
  constant(name: string): TensorProto | undefined;
  /** Whether any node or the graph's own outputs take the value. */
  isRead(name: string): boolean;
}

/** A node that is being rewritten: a draft that takes the node's place when the whole model can be raised. */
export class RewriteSite {
  readonly scope: RewriteScope;
  readonly draft: NodeProto;
  readonly before: NodeProto[] = [];
  readonly after: NodeProto[] = [];

  constructor(scope: RewriteScope, original: NodeProto) {
    this.scope = scope;
    this.draft = create(NodeProtoSchema, {
      ...original,
      input: [...original.input],
      output: [...original.output],
      attribute: [...original.attribute],
    });
  }

  get target(): number {
    return this.scope.target;
  }

  /** Adds an int64 constant; returns its name. @param dims [] for a scalar, [n] for a vector */
  ints(values: readonly bigint[], dims: readonly number[] = [values.length]): string {
    return this.constant(T.INT64, dims, BigInt64Array.from(values));
  }

  floats(values: readonly number[]): string {
    return this.constant(T.FLOAT, [values.length], Float32Array.from(values));
  }

  /**
   * Adds a scalar of the element type of value `like`, which the attribute it replaces had without saying so; returns
   * its name, or undefined where the type is not known and the target opset has no CastLike (15).
   */
  scalarLike(value: number, like: string): string | undefined {
    switch (this.scope.facts.floatType(like)) {
      case T.FLOAT:
        return this.constant(T.FLOAT, [], Float32Array.of(value));
      case T.DOUBLE:
        return this.constant(T.DOUBLE, [], Float64Array.of(value));
      case T.FLOAT16:
        return this.constant(T.FLOAT16, [], Uint16Array.of(numberToHalf(value)));
      default: {
        if (this.target < castLikeOpset) return undefined;
        const typed = this.name("like");
        this.before.push(node("CastLike", [this.constant(T.FLOAT, [], Float32Array.of(value)), like], [typed]));
        return typed;
      }
    }
  }

  /** A name for a new value beside the node's first output. */
  name(suffix: string): string {
    return this.scope.fresh(`${this.draft.output[0] || this.draft.opType}.${suffix}`);
  }

  input(slot: number): string {
    return this.draft.input[slot] ?? "";
  }

  setInput(slot: number, name: string): void {
    while (this.draft.input.length <= slot) this.draft.input.push("");
    this.draft.input[slot] = name;
  }

  attribute(name: string): AttributeProto | undefined {
    return findAttribute(this.draft, name);
  }

  setAttribute(value: AttributeProto): void {
    setAttribute(this.draft, value);
  }

  removeAttribute(...names: readonly string[]): void {
    this.draft.attribute = this.draft.attribute.filter((candidate) => !names.includes(candidate.name));
  }

  /** Drops outputs behind the first if nobody reads them; false when somebody does. */
  keepFirstOutput(): boolean {
    if (this.draft.output.slice(1).some((name) => name !== "" && this.scope.isRead(name))) return false;
    this.draft.output.length = Math.min(this.draft.output.length, 1);
    return true;
  }

  private constant(
    dataType: number,
    dims: readonly number[],
    data: BigInt64Array | Float32Array | Float64Array | Uint16Array,
  ): string {
    const made = tensor(this.scope.tensors, this.name("constant"), dataType, dims, data);
    this.scope.addConstant(made);
    return made.name;
  }
}

const castLikeOpset = 15;

/** A Constant node, for function bodies, which have no initializers. */
export function constantNode(constant: TensorProto): NodeProto {
  return node("Constant", [], [constant.name], { attributes: [attribute.tensor("value", constant)] });
}
