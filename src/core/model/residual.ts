import type { GraphProto, NodeProto } from "onnx-buf";
import type { LayerSite } from "./discover.ts";

/** Operators between a layer and the addition it feeds that keep the values' channels. */
const betweenOps = new Set(["Relu", "Clip", "BatchNormalization", "Identity", "Dropout"]);

/**
 * Groups of layers that feed one addition (residual connections): devices that add two tensors in one pass want both in the same
 * format. Additions that share an input are one group.
 */
export function residualGroups(graph: GraphProto, sites: readonly LayerSite[]): readonly (readonly string[])[] {
  const layerOf = new Map<NodeProto, string>();
  for (const site of sites) for (const use of site.uses) layerOf.set(use.node, site.layer.name);
  const producers = new Map<string, NodeProto>();
  for (const node of graph.node) for (const name of node.output) producers.set(name, node);
  const groupOf = new Map<string, Set<string>>();
  const groupOfAdd = new Map<NodeProto, Set<string>>();
  const merge = (a: Set<string>, b: Set<string>): Set<string> => {
    for (const name of b) {
      a.add(name);
      groupOf.set(name, a);
    }
    for (const [add, group] of groupOfAdd) if (group === b) groupOfAdd.set(add, a);
    return a;
  };
  for (const node of graph.node) {
    if (node.opType !== "Add" && node.opType !== "Sum") continue;
    let group = new Set<string>();
    for (const input of node.input) {
      let source = producers.get(input);
      while (source && betweenOps.has(source.opType)) source = producers.get(source.input[0] ?? "");
      if (source === undefined) continue;
      const layer = layerOf.get(source);
      const known = layer === undefined ? groupOfAdd.get(source) : (groupOf.get(layer) ?? new Set([layer]));
      if (known) group = merge(known, group);
    }
    for (const name of group) groupOf.set(name, group);
    groupOfAdd.set(node, group);
  }
  return [...new Set(groupOf.values())].filter((group) => group.size > 1).map((group) => [...group]);
}
