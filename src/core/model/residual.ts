import type { GraphProto, NodeProto } from "onnx-buf";
import type { LayerSite } from "./discover.ts";

/** Operators between a layer and the addition it feeds that keep the values' channels. */
const betweenOps = new Set(["Relu", "Clip", "BatchNormalization", "Identity", "Dropout"]);

/**
 * Groups of layers that feed one addition (residual connections): devices that add two tensors in one pass want both in the same
 * format. Additions that share an input are one group.
 * @returns layer names, groups and members in execution order
 */
export function residualGroups(graph: GraphProto, sites: readonly LayerSite[]): readonly (readonly string[])[] {
  const layerOf = new Map<NodeProto, string>();
  for (const site of sites) for (const use of site.uses) layerOf.set(use.node, site.layer.name);
  const producers = new Map<string, NodeProto>();
  for (const node of graph.node) for (const name of node.output) producers.set(name, node);
  const sets = new DisjointSets<NodeProto | string>();
  const additions = new Set<NodeProto>();
  for (const node of graph.node) {
    if (node.opType !== "Add" && node.opType !== "Sum") continue;
    additions.add(node);
    for (const input of node.input) {
      let source = producers.get(input);
      while (source && betweenOps.has(source.opType)) source = producers.get(source.input[0] ?? "");
      const member = source && (layerOf.get(source) ?? (additions.has(source) ? source : undefined));
      if (member) sets.join(node, member);
    }
  }
  const groups = new Map<NodeProto | string, string[]>();
  for (const { layer } of sites) {
    const root = sets.find(layer.name);
    const group = groups.get(root);
    if (group) group.push(layer.name);
    else groups.set(root, [layer.name]);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

/** Union by size with path halving: near-linear, also for one addition after another through a long network. */
class DisjointSets<T> {
  private readonly parents = new Map<T, T>();
  private readonly sizes = new Map<T, number>();

  find(member: T): T {
    let at = member;
    for (let parent = this.parents.get(at); parent !== undefined; parent = this.parents.get(at)) {
      const above = this.parents.get(parent);
      if (above !== undefined) this.parents.set(at, above);
      at = above ?? parent;
    }
    return at;
  }

  join(a: T, b: T): void {
    const [first, second] = [this.find(a), this.find(b)];
    if (first === second) return;
    const [firstSize, secondSize] = [this.sizes.get(first) ?? 1, this.sizes.get(second) ?? 1];
    const [large, small] = firstSize < secondSize ? [second, first] : [first, second];
    this.parents.set(small, large);
    this.sizes.set(large, firstSize + secondSize);
  }
}
