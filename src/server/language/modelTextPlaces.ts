import type { TextGraph, TextNode } from "../../core/onnx/textModel.ts";
import type { LayerFigures, ModelTextContext } from "./modelTextContext.ts";
import { endOf, type Span } from "./textEdits.ts";

/** A graph or a node in the outline. */
export interface ModelTextSymbol extends Span {
  readonly kind: "graph" | "layer" | "node";
  readonly name: string;
  /** `Conv, 4 bits` */
  readonly detail: string;
  readonly nameSpan: Span;
  readonly children: readonly ModelTextSymbol[];
}

/** Where a place of the text leads to: another place of it, or a layer of the model. */
export type ModelTextTarget = { readonly from: Span } & (
  | { readonly kind: "value"; readonly to: Span }
  | { readonly kind: "layer"; readonly layer: string }
);

/** An outline of more nodes than these has layers alone: an editor draws it with every change. Our choice. */
const maxOutlined = 20_000;

/** Graphs with their nodes, for the outline and "Go to Symbol". */
export function modelTextSymbols({ made, figures }: ModelTextContext): readonly ModelTextSymbol[] {
  if (!made) return [];
  const { layers } = made;
  const onlyLayers = made.graphs.reduce((sum, { nodes }) => sum + nodes.length, 0) > maxOutlined;
  const ofNode = (node: TextNode): readonly ModelTextSymbol[] => {
    const layer = layers.get(node.path);
    const children = node.graphs.map(ofGraph);
    if (onlyLayers && layer === undefined && children.length === 0) return [];
    const name = node.name || node.outputs[0] || node.opType;
    const detail = [node.opType, ...bitsOf(figures.get(layer ?? ""))].join(", ");
    const kind = layer === undefined ? "node" : "layer";
    return [{ ...node.span, kind, name, detail, nameSpan: node.labelSpan ?? node.opSpan, children }];
  };
  const ofGraph = ({ kind, name, nameSpan, span, nodes }: TextGraph): ModelTextSymbol => ({
    ...span,
    kind: "graph",
    name: name || "graph",
    detail: kind === "function" ? "function" : "",
    nameSpan,
    children: nodes.flatMap(ofNode),
  });
  return made.graphs.map(ofGraph);
}

function bitsOf(figures: LayerFigures | undefined): readonly string[] {
  if (figures?.floatReason !== undefined || figures?.bits === null) return ["float"];
  return figures?.bits === undefined ? [] : [`${figures.bits} bits`];
}

/** The innermost node around an offset. */
export function nodeAt({ made }: ModelTextContext, offset: number): TextNode | undefined {
  return made && pathTo(made.graphs, offset).node;
}

/** The node around an offset, and the graphs around that, from the outermost. */
function pathTo(graphs: readonly TextGraph[], offset: number): { graphs: readonly TextGraph[]; node?: TextNode } {
  const graph = graphs.find(({ span }) => holds(span, offset));
  if (!graph) return { graphs: [] };
  const node = graph.nodes[lastBefore(graph.nodes, offset)];
  if (!node || !holds(node.span, offset)) return { graphs: [graph] };
  const inner = pathTo(node.graphs, offset);
  return { graphs: [graph, ...inner.graphs], node: inner.node ?? node };
}

function holds(span: Span, offset: number): boolean {
  return span.offset <= offset && offset <= endOf(span);
}

/** Index of the last node that begins at or before an offset; nodes are in the order of the text. */
function lastBefore(nodes: readonly TextNode[], offset: number): number {
  let low = 0;
  let high = nodes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((nodes[middle] as TextNode).span.offset <= offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** A value's name leads to where it is defined; a layer's own name and its operator to the model's table. */
export function modelTextTarget(context: ModelTextContext, offset: number): ModelTextTarget | undefined {
  const { made, text } = context;
  if (!made) return undefined;
  const { graphs, node } = pathTo(made.graphs, offset);
  const layer = node && made.layers.get(node.path);
  if (node && layer !== undefined) {
    const from = [node.labelSpan, node.opSpan].find((span) => span && holds(span, offset));
    if (from) return { kind: "layer", from, layer };
  }
  const token = tokenAt(text, offset);
  if (!token) return undefined;
  for (const { values } of graphs.toReversed()) {
    const to = values.get(token.name);
    if (to) return { kind: "value", from: token, to };
  }
  return undefined;
}

/** The name around an offset, as the syntax writes names. */
function tokenAt(text: string, offset: number): (Span & { readonly name: string }) | undefined {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  const end = text.indexOf("\n", offset);
  const line = text.slice(start, end < 0 ? text.length : end);
  for (const { 0: found, index } of line.matchAll(/"(?:[^"\\]|\\.)*"|[A-Za-z_]\w*/g)) {
    const span = { offset: start + index, length: found.length };
    if (!holds(span, offset)) continue;
    return { ...span, name: found.startsWith('"') ? found.slice(1, -1).replace(/\\(.)/g, "$1") : found };
  }
  return undefined;
}
