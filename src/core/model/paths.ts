import type { GraphProto, NodeProto } from "onnx-buf";
import { attributeGraphs } from "../onnx/walk.ts";

/** A node and the graph that it is in. */
export interface PlacedNode {
  readonly node: NodeProto;
  readonly graph: GraphProto;
}

/** Whether a node is inside a body of control flow. @param use its path is `12/then_branch/3` then, and `12` in the main graph */
export function isNested({ path }: { readonly path: string }): boolean {
  return path.includes("/");
}

/** The nodes of the main graph and of all bodies by their paths (see Layer.nodes), and the graphs themselves by theirs ("" = main). */
export interface NodePaths {
  readonly nodes: ReadonlyMap<string, PlacedNode>;
  readonly graphs: ReadonlyMap<string, GraphProto>;
}

export function nodePaths(main: GraphProto): NodePaths {
  const nodes = new Map<string, PlacedNode>();
  const graphs = new Map<string, GraphProto>();
  const add = (graph: GraphProto, path: string) => {
    graphs.set(path, graph);
    for (const [i, node] of graph.node.entries()) {
      const own = path === "" ? String(i) : `${path}/${i}`;
      nodes.set(own, { node, graph });
      for (const attribute of node.attribute)
        for (const body of attributeGraphs(attribute)) add(body.graph, `${own}/${body.name}`);
    }
  };
  add(main, "");
  return { nodes, graphs };
}

/**
 * Path of the node of the graph `home` that is the node at `path`, or that has it in its bodies.
 * @param home path of a graph around the node
 */
export function ancestorIn(home: string, path: string): string {
  const start = home === "" ? 0 : home.length + 1;
  const end = path.indexOf("/", start);
  return end < 0 ? path : path.slice(0, end);
}

/** The first of some nodes, in execution order, each as its ancestor in the graph `home`. */
export function firstIn(home: string, paths: readonly string[]): string {
  const ancestors = paths.map((path) => ancestorIn(home, path));
  const indexOf = (path: string) => Number(path.slice(path.lastIndexOf("/") + 1));
  return ancestors.reduce((first, path) => (indexOf(path) < indexOf(first) ? path : first));
}
