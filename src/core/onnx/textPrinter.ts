import type { AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto } from "onnx-buf";
import { grouped } from "../plan/format.ts";
import type { TensorStore } from "./tensors.ts";
import { attributeHead, attributeText, sparseText } from "./textAttributes.ts";
import { constant, type Declaration, typed, untyped } from "./textDeclarations.ts";
import { functionFacts, modelFacts } from "./textFacts.ts";
import type { TextGraph, TextNode } from "./textModel.ts";
import { nameText, nameTexts, onOneLine, qualifiedText } from "./textNames.ts";
import { between, type TextSpan, TextWriter } from "./textWriter.ts";
import { attributeGraphs } from "./walk.ts";

type Values = Map<string, TextSpan>;

/** Writes the parts of a model in the ONNX textual syntax, and notes where everything is. */
export class TextPrinter {
  readonly writer = new TextWriter();

  constructor(
    private readonly tensors: TensorStore,
    private readonly maxLength: number,
  ) {}

  /** `<ir_version: 8, opset_import: ["" : 17]>` */
  facts(model: ModelProto): TextSpan {
    return this.factList(modelFacts(model));
  }

  mainGraph(graph: GraphProto): TextGraph {
    this.writer.startLine(0);
    const printed = this.graph(graph, { kind: "graph", name: graph.name, path: "", depth: 0 });
    this.writer.endLine();
    return printed;
  }

  functionBody(body: FunctionProto): TextGraph {
    const { writer } = this;
    writer.endLine();
    const from = writer.at;
    const facts = this.factList(functionFacts(body));
    writer.startLine(0);
    const headAt = writer.at;
    const nameSpan = writer.write(nameText(body.name));
    const defaults = body.attributeProto.map((attribute) => this.attribute(attribute)).filter((text) => text !== "");
    const attributes = [...body.attribute.map(nameText), ...defaults];
    writer.write(attributes.length === 0 ? " " : ` <${attributes.join(", ")}> `);
    const values: Values = new Map();
    this.list(0, body.input.map(untyped), values);
    writer.write(" => ");
    this.list(0, body.output.map(untyped));
    const parts = [facts, between(headAt, writer.at)];
    if (body.valueInfo.length > 0) parts.push(this.declarations(0, body.valueInfo.map(typed), [], new Map()));
    const nodes = this.nodes(body.node, body.name, 0, values);
    parts.push(nodes.span);
    const span = between(from, writer.at);
    writer.endLine();
    return { kind: "function", name: body.name, nameSpan, span, parts, nodes: nodes.nodes, values };
  }

  /** A graph on a line that has begun already. */
  private graph(
    graph: GraphProto,
    { kind, name, path, depth }: Pick<TextGraph, "kind" | "name"> & { readonly path: string; readonly depth: number },
  ): TextGraph {
    const { writer } = this;
    const from = writer.at;
    const values: Values = new Map();
    const nameSpan = writer.write(nameText(graph.name));
    writer.write(" ");
    this.list(depth, graph.input.map(typed), values);
    writer.write(" => ");
    this.list(depth, graph.output.map(typed));
    const parts = [between(from, writer.at)];
    const constants = graph.initializer.map((tensor) => constant(tensor, this.tensors));
    const sparse = graph.sparseInitializer.map((each) => `${nameText(each.values?.name ?? "")}: ${sparseText(each)}`);
    const declared = graph.valueInfo.map(typed);
    if (constants.length + sparse.length + declared.length > 0) {
      parts.push(this.declarations(depth, [...constants, ...declared], sparse, values));
    }
    const nodes = this.nodes(graph.node, path, depth, values);
    parts.push(nodes.span);
    return { kind, name, nameSpan, span: between(from, writer.at), parts, nodes: nodes.nodes, values };
  }

  private factList(facts: readonly string[]): TextSpan {
    const { writer } = this;
    const from = writer.at;
    writer.startLine(0);
    writer.list(0, ["<", ">"], facts);
    const span = between(from, writer.at);
    writer.endLine();
    return span;
  }

  private list(depth: number, items: readonly Declaration[], values?: Values): void {
    const texts = items.map(({ name, before }) => `${before}${nameText(name)}`);
    this.writer.list(depth, ["(", ")"], texts, (i, offset) => {
      const { name, before } = items[i] as Declaration;
      values?.set(name, { offset: offset + before.length, length: nameText(name).length });
    });
  }

  /** A line for each constant and each value whose type is declared; where the values are defined is told of constants alone. */
  private declarations(
    depth: number,
    items: readonly Declaration[],
    comments: readonly string[],
    values: Values,
  ): TextSpan {
    const { writer } = this;
    this.open(depth);
    const from = writer.at;
    writer.write("<");
    writer.endLine();
    for (const [i, { name, before, after, note }] of items.entries()) {
      writer.startLine(depth + 1);
      writer.write(before);
      const span = writer.write(nameText(name));
      if (after !== "") values.set(name, span);
      writer.write(after);
      const left = items.length - 1 - i;
      if (left > 0 && !this.full) writer.write(",");
      writer.note(note);
      writer.endLine();
      if (left > 0 && this.full) {
        writer.comment(depth + 1, `${grouped(left)} more are left out`);
        break;
      }
    }
    for (const comment of comments) writer.comment(depth + 1, comment);
    writer.startLine(depth);
    writer.write(">");
    return between(from, writer.at);
  }

  private nodes(nodes: readonly NodeProto[], path: string, depth: number, values: Values) {
    const { writer } = this;
    this.open(depth);
    const from = writer.at;
    const printed: TextNode[] = [];
    writer.write("{");
    writer.endLine();
    for (const [i, node] of nodes.entries()) {
      if (this.full) {
        writer.comment(depth + 1, `${grouped(nodes.length - i)} more nodes are left out`);
        break;
      }
      writer.startLine(depth + 1);
      printed.push(this.node(node, path === "" ? String(i) : `${path}/${i}`, depth + 1, values));
      writer.endLine();
    }
    writer.startLine(depth);
    writer.write("}");
    return { nodes: printed, span: between(from, writer.at) };
  }

  /** Begins a bracket: of the main graph and of functions on a line of its own, in a node behind what is there. */
  private open(depth: number): void {
    if (depth > 0) {
      this.writer.write(" ");
      return;
    }
    this.writer.endLine();
    this.writer.startLine(0);
  }

  private node(node: NodeProto, path: string, depth: number, values: Values): TextNode {
    const { writer } = this;
    const from = writer.at;
    let labelSpan: TextSpan | undefined;
    if (node.name !== "") {
      writer.write("[");
      labelSpan = writer.write(nameText(node.name));
      writer.write("] ");
    }
    for (const [i, name] of node.output.entries()) {
      if (i > 0) writer.write(", ");
      const span = writer.write(nameText(name));
      if (name !== "") values.set(name, span);
    }
    writer.write(" = ");
    const opType = node.domain === "" ? node.opType : `${node.domain}.${node.opType}`;
    const opSpan = writer.write(qualifiedText(opType));
    if (node.overload !== "") writer.write(`:${nameText(node.overload)}`);
    const operands = `(${nameTexts(node.input)})`;
    const hasGraphs = node.attribute.some((attribute) => attributeGraphs(attribute).length > 0);
    const attributes = hasGraphs
      ? []
      : node.attribute.map((attribute) => this.attribute(attribute)).filter((text) => text !== "");
    writer.write(attributes.length === 0 ? " " : ` <${attributes.join(", ")}> `);
    writer.write(operands);
    const end = writer.at;
    // As ONNX's own printer does: operands first, where bodies would push them out of sight.
    const graphs = hasGraphs ? this.attributeLines(node, path, depth) : [];
    const span = between(from, writer.at);
    const { name, output: outputs } = node;
    return { path, name, opType, span, ...(labelSpan && { labelSpan }), opSpan, end, outputs, graphs };
  }

  /** The attributes of a node with bodies: a line for each, the bodies' own below it. */
  private attributeLines(node: NodeProto, path: string, depth: number): readonly TextGraph[] {
    const { writer } = this;
    const printed: TextGraph[] = [];
    writer.write(" <");
    let first = true;
    for (const attribute of node.attribute) {
      const graphs = attributeGraphs(attribute);
      const text = graphs.length > 0 ? `${attributeHead(attribute, false)} = ` : this.attribute(attribute);
      if (text === "") continue;
      if (!first) writer.write(",");
      first = false;
      writer.endLine();
      writer.startLine(depth + 1);
      writer.write(text);
      if (graphs.length > 0) printed.push(...this.bodies(attribute, path, depth + 1));
    }
    writer.endLine();
    writer.startLine(depth);
    writer.write(">");
    return printed;
  }

  private bodies(attribute: AttributeProto, path: string, depth: number): readonly TextGraph[] {
    const { writer } = this;
    const isList = attribute.graphs.length > 0;
    const printed: TextGraph[] = [];
    if (isList) writer.write("[");
    for (const { name, graph } of attributeGraphs(attribute)) {
      if (printed.length > 0) writer.write(", ");
      printed.push(this.graph(graph, { kind: "body", name, path: `${path}/${name}`, depth }));
    }
    if (isList) writer.write("]");
    return printed;
  }

  /** An attribute without bodies; what it leaves out is noted for the end of the line. */
  private attribute(attribute: AttributeProto): string {
    const { text, notes } = attributeText(attribute, this.tensors);
    for (const note of notes) this.writer.note(onOneLine(note));
    return text;
  }

  private get full(): boolean {
    return this.writer.at >= this.maxLength;
  }
}
