import { create } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType as A,
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  TensorProto_DataType as T,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
  type TypeProto,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "onnx-buf";

/** Element types by the names that the syntax has for them. */
const primitives: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(T).flatMap(([name, value]) => (typeof value === "number" ? [[name.toLowerCase(), value]] : [])),
);

/** What the value of an attribute turned out to be. */
type Value =
  | { readonly kind: "int"; readonly value: bigint }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "tensor"; readonly value: TensorProto }
  | { readonly kind: "graph"; readonly value: GraphProto }
  | { readonly kind: "type"; readonly value: TypeProto }
  | { readonly kind: "ref"; readonly value: string };

/** Reads a model in the ONNX textual syntax as docs/Syntax.md of ONNX has it. @throws Error with the place of what it can't read */
export function parseOnnxText(text: string): ModelProto {
  return new Parser(text).model();
}

class Parser {
  private at = 0;

  constructor(private readonly text: string) {}

  model(): ModelProto {
    const model = create(ModelProtoSchema, {});
    for (const [key, value] of this.facts()) {
      if (key === "ir_version") model.irVersion = value as bigint;
      else if (key === "model_version") model.modelVersion = value as bigint;
      else if (key === "opset_import") model.opsetImport.push(...(value as ModelProto["opsetImport"]));
      else if (key === "metadata_props") model.metadataProps.push(...(value as ModelProto["metadataProps"]));
      else if (key === "producer_name") model.producerName = value as string;
      else if (key === "producer_version") model.producerVersion = value as string;
      else if (key === "domain") model.domain = value as string;
      else if (key === "doc_string") model.docString = value as string;
      else throw this.error(`no ${key} in a model`);
    }
    model.graph = this.graph();
    while (!this.ended) model.functions.push(this.function());
    return model;
  }

  private function(): FunctionProto {
    const made = create(FunctionProtoSchema, {});
    for (const [key, value] of this.facts()) {
      if (key === "domain") made.domain = value as string;
      else if (key === "overload") made.overload = value as string;
      else if (key === "doc_string") made.docString = value as string;
      else if (key === "opset_import") made.opsetImport.push(...(value as ModelProto["opsetImport"]));
      else throw this.error(`no ${key} in a function`);
    }
    made.name = this.name();
    if (this.takes("<")) {
      do {
        const name = this.name();
        if (this.peek() === ":" || this.peek() === "=") made.attributeProto.push(this.attribute(name));
        else made.attribute.push(name);
      } while (this.takes(","));
      this.expect(">");
    }
    made.input = this.list("(", ")", () => this.name());
    this.expect("=>");
    made.output = this.list("(", ")", () => this.name());
    if (this.peek() === "<") made.valueInfo = this.list("<", ">", () => this.value());
    made.node = this.nodes();
    return made;
  }

  private graph(name = this.name()): GraphProto {
    const graph = create(GraphProtoSchema, { name });
    graph.input = this.list("(", ")", () => this.value());
    this.expect("=>");
    graph.output = this.list("(", ")", () => this.value());
    if (this.peek() === "<") {
      this.list("<", ">", () => {
        const value = this.value();
        if (this.takes("=")) graph.initializer.push(this.data(value.name, value.type));
        else graph.valueInfo.push(value);
      });
    }
    graph.node = this.nodes();
    return graph;
  }

  private nodes(): NodeProto[] {
    const nodes: NodeProto[] = [];
    this.expect("{");
    while (!this.takes("}")) nodes.push(this.node());
    return nodes;
  }

  private node(): NodeProto {
    const node = create(NodeProtoSchema, {});
    if (this.takes("[")) {
      node.name = this.name();
      this.expect("]");
    }
    if (this.peek() !== "=")
      do node.output.push(this.name());
      while (this.takes(","));
    this.expect("=");
    const parts = [this.identifier()];
    while (this.takes(".")) parts.push(this.identifier());
    node.opType = parts.pop() ?? "";
    if (parts.length > 0) node.domain = parts.join(".");
    if (this.takes(":")) node.overload = this.name();
    node.attribute = this.attributes();
    node.input = this.list("(", ")", () => this.name());
    if (node.attribute.length === 0) node.attribute = this.attributes();
    return node;
  }

  private attributes(): AttributeProto[] {
    return this.peek() === "<" ? this.list("<", ">", () => this.attribute(this.identifier())) : [];
  }

  private attribute(name: string): AttributeProto {
    const type = this.takes(":") ? this.identifier() : undefined;
    this.expect("=");
    const isList = this.peek() === "[";
    const values = isList ? this.list("[", "]", () => this.attributeValue()) : [this.attributeValue()];
    const of = <K extends Value["kind"]>(kind: K) =>
      values.flatMap((each) => (each.kind === kind ? [each.value as Extract<Value, { kind: K }>["value"]] : []));
    const lists = {
      ints: of("int"),
      floats: of("float"),
      strings: of("string").map(utf8),
      tensors: of("tensor"),
      graphs: of("graph"),
      typeProtos: of("type"),
    };
    const [i] = lists.ints;
    const [f] = lists.floats;
    const [text] = lists.strings;
    const [t] = lists.tensors;
    const [g] = lists.graphs;
    const [tp] = lists.typeProtos;
    const [ref] = of("ref");
    const single = {
      ...(ref !== undefined && { refAttrName: ref }),
      ...(i !== undefined && { i }),
      ...(f !== undefined && { f }),
      ...(text && { s: text }),
      ...(t && { t }),
      ...(g && { g }),
      ...(tp && { tp }),
    };
    const made = create(AttributeProtoSchema, { name, ...(isList ? lists : single) });
    const kind = type ?? `${values[0]?.kind === "type" ? "type_proto" : values[0]?.kind}${isList ? "s" : ""}`;
    const found = A[kind.toUpperCase() as keyof typeof A];
    if (found === undefined) throw this.error(`no type of attribute ${kind}`);
    made.type = found;
    return made;
  }

  private attributeValue(): Value {
    if (this.takes("@")) return { kind: "ref", value: this.name() };
    if (this.peek() === '"') {
      const text = this.name();
      // The grammar lets a graph's name be quoted: a text with inputs behind it is one.
      return this.peek() === "(" ? { kind: "graph", value: this.graph(text) } : { kind: "string", value: text };
    }
    const number = this.number();
    if (number !== undefined) {
      return /^-?\d+$/.test(number)
        ? { kind: "int", value: BigInt(number) }
        : { kind: "float", value: Math.fround(numberOf(number)) };
    }
    if (!this.nextIsType()) return { kind: "graph", value: this.graph() };
    const type = this.type();
    if (this.peek() === "," || this.peek() === ">" || this.peek() === "]") return { kind: "type", value: type };
    const name = this.peek() === "{" || this.peek() === "=" ? "" : this.name();
    this.takes("=");
    return { kind: "tensor", value: this.data(name, type) };
  }

  /** The data of a tensor whose type has been read. */
  private data(name: string, type: TypeProto | undefined): TensorProto {
    if (type?.value.case !== "tensorType") throw this.error("no tensor's type");
    const { elemType, shape } = type.value.value;
    const tensor = create(TensorProtoSchema, { name, dataType: elemType });
    tensor.dims = (shape?.dim ?? []).map(({ value }) => {
      if (value.case !== "dimValue") throw this.error("a constant with an open dimension");
      return value.value;
    });
    if (this.peek() === "[") {
      tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
      tensor.externalData = this.pairs() as TensorProto["externalData"];
      return tensor;
    }
    this.list("{", "}", () => {
      if (this.peek() === '"') return void tensor.stringData.push(utf8(this.name()));
      const number = this.number();
      if (number === undefined) throw this.error("no number");
      if (elemType === T.FLOAT) tensor.floatData.push(Math.fround(numberOf(number)));
      else if (elemType === T.DOUBLE) tensor.doubleData.push(numberOf(number));
      else if (elemType === T.INT64) tensor.int64Data.push(BigInt(number));
      else if (elemType === T.UINT32 || elemType === T.UINT64) tensor.uint64Data.push(BigInt(number));
      else tensor.int32Data.push(Number(number));
    });
    return tensor;
  }

  private value(): ValueInfoProto {
    const type = this.nextIsType() ? this.type() : undefined;
    return create(ValueInfoProtoSchema, { name: this.name(), ...(type && { type }) });
  }

  private type(): TypeProto {
    const id = this.identifier();
    const inner = <R>(body: () => R): R => {
      this.expect("(");
      const found = body();
      this.expect(")");
      return found;
    };
    if (id === "seq") {
      const elemType = inner(() => this.type());
      return create(TypeProtoSchema, { value: { case: "sequenceType", value: { elemType } } });
    }
    if (id === "optional") {
      const elemType = inner(() => this.type());
      return create(TypeProtoSchema, { value: { case: "optionalType", value: { elemType } } });
    }
    if (id === "map") {
      return inner(() => {
        const keyType = primitives[this.identifier()] ?? 0;
        this.expect(",");
        return create(TypeProtoSchema, { value: { case: "mapType", value: { keyType, valueType: this.type() } } });
      });
    }
    if (id === "sparse_tensor") {
      const { value } = inner(() => this.type());
      if (value.case !== "tensorType") throw this.error("a sparse tensor of no tensor");
      const { elemType, shape } = value.value;
      return create(TypeProtoSchema, {
        value: { case: "sparseTensorType", value: { elemType, ...(shape && { shape }) } },
      });
    }
    const elemType = primitives[id];
    if (elemType === undefined) throw this.error(`no type ${id}`);
    const dims = this.peek() === "[" ? this.list("[", "]", () => this.dim()) : [];
    const unknownRank = this.text[this.at - 1] === "]" && dims.length === 0;
    return create(TypeProtoSchema, {
      value: { case: "tensorType", value: { elemType, ...(!unknownRank && { shape: { dim: dims } }) } },
    });
  }

  private dim() {
    if (this.takes("?")) return {};
    const number = this.number();
    return number === undefined
      ? { value: { case: "dimParam" as const, value: this.name() } }
      : { value: { case: "dimValue" as const, value: BigInt(number) } };
  }

  /** `<key: value, ...>` */
  private facts(): readonly (readonly [string, unknown])[] {
    if (this.peek() !== "<") return [];
    return this.list("<", ">", () => {
      const key = this.identifier();
      this.expect(":");
      if (key === "opset_import")
        return [key, this.pairs().map(({ key: domain, value }) => ({ domain, version: BigInt(value) }))];
      if (this.peek() === "[") return [key, this.pairs()];
      return [key, this.peek() === '"' ? this.name() : BigInt(this.number() ?? "")];
    });
  }

  private pairs(): readonly { readonly key: string; readonly value: string }[] {
    return this.list("[", "]", () => {
      const key = this.name();
      this.expect(":");
      return { key, value: this.peek() === '"' ? this.name() : (this.number() ?? "") };
    });
  }

  // Tokens -----------------------------------------------------------------------------------------------------------

  private list<R>(open: string, close: string, item: () => R): R[] {
    const found: R[] = [];
    this.expect(open);
    if (this.takes(close)) return found;
    do found.push(item());
    while (this.takes(","));
    this.expect(close);
    return found;
  }

  private skip(): void {
    this.match(/(?:\s|#.*)*/y);
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  private get ended(): boolean {
    this.skip();
    return this.at >= this.text.length;
  }

  private peek(): string | undefined {
    this.skip();
    return this.text[this.at];
  }

  private takes(token: string): boolean {
    this.skip();
    if (!this.text.startsWith(token, this.at)) return false;
    this.at += token.length;
    return true;
  }

  private expect(token: string): void {
    if (!this.takes(token)) throw this.error(`no ${token}`);
  }

  private identifier(): string {
    this.skip();
    const found = this.match(/[A-Za-z_]\w*/y);
    if (found === undefined) throw this.error("no identifier");
    return found;
  }

  /** An identifier or a quoted text. */
  private name(): string {
    if (this.peek() !== '"') return this.identifier();
    const found = this.match(/"(?:[^"\\]|\\[\s\S])*"/y);
    if (found === undefined) throw this.error("a text without an end");
    return found.slice(1, -1).replace(/\\([\s\S])/g, "$1");
  }

  private number(): string | undefined {
    this.skip();
    return this.match(/-?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|(?:inf|nan)\b)/y);
  }

  private nextIsType(): boolean {
    this.skip();
    const from = this.at;
    const id = this.match(/[A-Za-z_]\w*/y) ?? "";
    this.at = from;
    return id in primitives || ["seq", "map", "optional", "sparse_tensor"].includes(id);
  }

  private error(what: string): Error {
    const line = this.text.slice(0, this.at).split("\n").length;
    return new Error(`line ${line}: ${what} at ${JSON.stringify(this.text.slice(this.at, this.at + 40))}`);
  }
}

function numberOf(text: string): number {
  return Number(text.replace("inf", "Infinity").replace("nan", "NaN"));
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
}
