import type { Discovery } from "../model/discover.ts";
import { pruner } from "../model/prune.ts";
import { opsetOf } from "../onnx/graph.ts";
import { copyModel, type OnnxModel } from "../onnx/model.ts";
import { raiseOpset } from "../onnx/opset.ts";
import { insertActivations, tiedActivations } from "./activations.ts";
import { writeBias } from "./bias.ts";
import { GraphEdit } from "./edit.ts";
import type { ActivationMap, QuantizedLayer, StoredWeight } from "./types.ts";
import { opsets, qdqDomains, writeWeight } from "./weights.ts";

/**
 * IR versions that know int4 and int2 (ONNX release notes), and the first that lets initializers be no inputs; models of an
 * older one are raised to it.
 */
const irVersions = { int4: 10n, int2: 12n, plain: 4n } as const;

export interface QuantizedGraph {
  readonly model: OnnxModel;
  readonly stored: readonly StoredWeight[];
  /** Things the user should know: an opset raised, weights stored wider than they are. */
  readonly notes: readonly string[];
}

/**
 * The model with the given layers quantized, as standard ONNX QDQ. Everything else (names, metadata, functions,
 * untouched nodes) stays. The opset is raised only for int2; int4 uses ONNX Runtime's own DequantizeLinear where the
 * model's opset lacks it.
 * @param discovery of this very model
 * @param layers by layer name; layers that are not in it stay in float
 * @param activations by value name; empty for weights only
 */
export function quantizeGraph(
  original: OnnxModel,
  discovery: Discovery,
  layers: ReadonlyMap<string, QuantizedLayer>,
  activations: ActivationMap,
  options: {
    readonly halfActivations?: ReadonlySet<string>;
    /** Shapes by value name, which some changes of the opset need. */
    readonly shapes?: ReadonlyMap<string, readonly number[]>;
  } = {},
): QuantizedGraph {
  const model = copyModel(original);
  const prune = pruner(model.graph);
  const notes = [...layers.values()].some((layer) => layer.bits === 2) ? raiseForInt2(model, options.shapes) : [];
  const domains = qdqDomains(opsetOf(model.proto, ""));
  const tied = tiedActivations(model, activations);
  const edit = new GraphEdit(model);
  const stored: StoredWeight[] = [];
  for (const [name, quantized] of layers) {
    const site = discovery.sites.get(name);
    if (site === undefined || site.layer.floatReason !== undefined) continue;
    stored.push(writeWeight(edit, site, quantized, domains));
    writeBias(edit, site, quantized, tied, domains);
  }
  edit.apply();
  insertActivations(model, activations, options.halfActivations);
  prune();
  raiseIr(model, stored);
  return { model, stored, notes };
}

function raiseForInt2(model: OnnxModel, shapes: ReadonlyMap<string, readonly number[]> | undefined): string[] {
  if (opsetOf(model.proto, "") >= opsets.int2) return [];
  const { from, blockers } = raiseOpset(model, opsets.int2, (value) => shapes?.get(value)?.length);
  if (blockers.length === 0) return [`Opset raised from ${from} to ${opsets.int2}, for int2 weights`];
  return [
    `2-bit weights are stored in 4 bits: int2 needs opset ${opsets.int2}, which ${blockers.join(", ")} cannot be raised to`,
  ];
}

function raiseIr(model: OnnxModel, stored: readonly StoredWeight[]): void {
  const widths = new Set(stored.map((s) => s.storedBits));
  const needed = widths.has(2) ? irVersions.int2 : widths.has(4) ? irVersions.int4 : irVersions.plain;
  const { proto, graph } = model;
  if (proto.irVersion >= needed) return;
  if (proto.irVersion < irVersions.plain) {
    // Until then constants were declared as inputs too; from then on such an input would be a default that callers may override.
    const constants = new Set(graph.initializer.map((tensor) => tensor.name));
    graph.input = graph.input.filter((value) => !constants.has(value.name));
  }
  proto.irVersion = needed;
}
