import type { OnnxModel } from "./model.ts";
import { TextPrinter } from "./textPrinter.ts";
import type { TextSpan } from "./textWriter.ts";

/** A node as the text has it. */
export interface TextNode {
  /** As `Layer.nodes` has it: `12`, `12/then_branch/3`, `function/3`. */
  readonly path: string;
  readonly name: string;
  /** With its domain: `com.microsoft.FusedConv`. */
  readonly opType: string;
  /** From its first character to its last, bodies included, without a comment behind it. */
  readonly span: TextSpan;
  /** The node's name in its brackets; absent where it has none. */
  readonly labelSpan?: TextSpan;
  readonly opSpan: TextSpan;
  /** Behind its operands: where something can be said of it. */
  readonly end: number;
  readonly outputs: readonly string[];
  /** Bodies of `If`, `Loop` and the like. */
  readonly graphs: readonly TextGraph[];
}

/** The main graph, a function, or a body in a node. */
export interface TextGraph {
  readonly kind: "graph" | "function" | "body";
  /** A body's is that of its attribute: `then_branch`. */
  readonly name: string;
  readonly nameSpan: TextSpan;
  readonly span: TextSpan;
  /** Parts that may take several lines: facts, inputs and outputs, constants; the last one is its nodes, brackets included. */
  readonly parts: readonly TextSpan[];
  readonly nodes: readonly TextNode[];
  /** Where its values are defined, by name. */
  readonly values: ReadonlyMap<string, TextSpan>;
}

/** A model in the ONNX textual syntax. */
export interface ModelText {
  readonly text: string;
  /** The model's own facts before the graph. */
  readonly facts: TextSpan;
  /** The main graph, then the functions. */
  readonly graphs: readonly TextGraph[];
}

/**
 * From this length on nodes are left out: VS Code shows no text above 50 MB, and this one has some 200,000 nodes. In UTF-16 units; our
 * choice.
 */
const maxTextLength = 32 * 2 ** 20;

/**
 * A model in the ONNX textual syntax, as onnx.parser reads it (docs/Syntax.md of ONNX): a line for each node, constant and declared
 * value. Data of more than a few values are left out, which a comment behind them tells; so are documentation of nodes, and what the
 * syntax has no form for. Reads nothing from the file.
 */
export function modelText({ proto, graph, tensors }: OnnxModel, maxLength = maxTextLength): ModelText {
  const printer = new TextPrinter(tensors, maxLength);
  const facts = printer.facts(proto);
  const graphs = [printer.mainGraph(graph), ...proto.functions.map((body) => printer.functionBody(body))];
  if (proto.trainingInfo.length > 0) printer.writer.comment(0, "what the model has for training is left out");
  return { text: printer.writer.toString(), facts, graphs };
}

/** All nodes of a text, those of bodies behind the node that has them. */
export function* textNodes(graphs: readonly TextGraph[]): Generator<TextNode> {
  for (const { nodes } of graphs) {
    for (const node of nodes) {
      yield node;
      yield* textNodes(node.graphs);
    }
  }
}
