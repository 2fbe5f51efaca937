import { create } from "@bufbuild/protobuf";
import { type GraphProto, type NodeProto, OperatorSetIdProtoSchema, TensorProto_DataType } from "onnx-buf";
import { takesBias } from "../model/bias.ts";
import type { Discovery, LayerSite } from "../model/discover.ts";
import { nodeReads } from "../model/scope.ts";
import { node, tensor } from "../onnx/build.ts";
import { freshNames, opsetOf } from "../onnx/graph.ts";
import { copyModel, type OnnxModel } from "../onnx/model.ts";
import { raiseOpset } from "../onnx/opset.ts";
import { type ActivationPair, activationPair } from "./activations.ts";
import type { ActivationQuantization, QuantizedLayer, StoredWeight } from "./types.ts";
import { type QdqDomains, writeBias, writeWeight } from "./weights.ts";

const msDomain = "com.microsoft";

/** First opset with DequantizeLinear per axis, with int4, with int2 (ONNX operator changelog). */
const opsets = { perAxis: 13, int4: 21, int2: 25 } as const;

/** IR versions that know int4 and int2 (ONNX release notes); models of an older one are raised to it. */
const irVersions = { int4: 10n, int2: 12n } as const;

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
 * @param layers by layer name; layers that are not in it stay in float
 * @param activations by value name; empty for weights only
 */
export function quantizeGraph(
  original: OnnxModel,
  discovery: Discovery,
  layers: ReadonlyMap<string, QuantizedLayer>,
  activations: ReadonlyMap<string, ActivationQuantization>,
  options: {
    readonly halfActivations?: ReadonlySet<string>;
    /** Shapes by value name, which some changes of the opset need. */
    readonly shapes?: ReadonlyMap<string, readonly number[]>;
  } = {},
): QuantizedGraph {
  const model = copyModel(original);
  const { graph } = model;
  const nodes = [...graph.node];
  const notes: string[] = [];
  const wantsInt2 = [...layers.values()].some((layer) => layer.bits === 2);
  const raised = wantsInt2 && opsetOf(model.proto, "") < opsets.int2 ? raiseOpset(model, opsets.int2, (value) => options.shapes?.get(value)?.length) : undefined;
  if (raised && raised.blockers.length > 0) {
    notes.push(
      `2-bit weights are stored in 4 bits: int2 needs opset ${opsets.int2}, and ${raised.blockers.join(", ")} cannot be raised to it`,
    );
  } else if (raised) notes.push(`opset raised from ${raised.from} to ${opsets.int2} for int2 weights`);
  const opset = opsetOf(model.proto, "");
  const domains: QdqDomains = {
    int8: opset >= opsets.perAxis ? "" : msDomain,
    int4: opset >= opsets.int4 ? "" : msDomain,
    int2: opset >= opsets.int2,
  };
  const fresh = freshNames(model.graph);
  const before = new Map<NodeProto, NodeProto[]>();
  const after = new Map<NodeProto, NodeProto[]>();
  const stored: StoredWeight[] = [];
  for (const [name, quantized] of layers) {
    const site = discovery.sites.get(name);
    if (site === undefined) continue;
    const written = writeWeight(model, site, quantized, domains, fresh);
    graph.initializer.push(...written.initializers);
    stored.push(written.stored);
    const first = nodes[Math.min(...site.uses.map((use) => use.index))] as NodeProto;
    before.set(first, [...(before.get(first) ?? []), ...written.nodes]);
    for (const use of site.uses) (nodes[use.index] as NodeProto).input[use.slot] = written.output;
    placeBias(model, site, quantized, activations, nodes, domains, fresh, before, after);
  }
  graph.node = nodes.flatMap((n) => [...(before.get(n) ?? []), n, ...(after.get(n) ?? [])]);
  insertActivations(model, activations, options.halfActivations);
  removeUnused(graph);
  const ir = stored.some((s) => s.storedBits === 2)
    ? irVersions.int2
    : stored.some((s) => s.storedBits === 4)
      ? irVersions.int4
      : 0n;
  if (model.proto.irVersion < ir) model.proto.irVersion = ir;
  return { model, stored, notes };
}

/**
 * Puts QuantizeLinear -> DequantizeLinear behind the given values and lets every reader take the result; graph outputs
 * keep their float values. Changes the model.
 * @param half values that are float16
 */
export function insertActivations(
  model: OnnxModel,
  activations: ReadonlyMap<string, ActivationQuantization>,
  half: ReadonlySet<string> = new Set(),
): void {
  const { graph } = model;
  const fresh = freshNames(graph);
  const opset = opsetOf(model.proto, "");
  const pairs = new Map<string, ActivationPair>();
  for (const [value, quantization] of activations) {
    const pair = activationPair(model, value, quantization, opset, half.has(value), fresh);
    graph.initializer.push(...pair.initializers);
    pairs.set(value, pair);
  }
  const nodes = [...graph.node];
  for (const n of nodes) rewire(n, pairs);
  graph.node = [
    ...graph.input.flatMap((input) => pairs.get(input.name)?.nodes ?? []),
    ...nodes.flatMap((n) => [n, ...n.output.flatMap((name) => pairs.get(name)?.nodes ?? [])]),
  ];
  declareDomain(model, msDomain, 1n);
}

/** Lets a node, and the bodies inside it, read the dequantized value instead of the original. */
function rewire(n: NodeProto, pairs: ReadonlyMap<string, { readonly output: string }>): void {
  for (const [i, name] of n.input.entries()) {
    const pair = pairs.get(name);
    if (pair) n.input[i] = pair.output;
  }
}

function placeBias(
  model: OnnxModel,
  site: LayerSite,
  quantized: QuantizedLayer,
  activations: ReadonlyMap<string, ActivationQuantization>,
  nodes: readonly NodeProto[],
  domains: QdqDomains,
  fresh: (wanted: string) => string,
  before: Map<NodeProto, NodeProto[]>,
  after: Map<NodeProto, NodeProto[]>,
): void {
  const [use] = site.uses;
  if (quantized.bias === undefined || use === undefined || !takesBias(site)) return;
  const target = nodes[use.index] as NodeProto;
  const read = use.node.input[use.slot === 0 ? 1 : 0] ?? "";
  const activation = activations.get(read);
  if (activation && activation.bits === 8 && site.layer.opType !== "MatMul") {
    const int32 = writeBias(model, site, quantized.bias, quantized.scales, activation.scale, domains.int8, fresh);
    if (int32) {
      model.graph.initializer.push(...int32.initializers);
      before.set(target, [...(before.get(target) ?? []), int32.node]);
      target.input[2] = int32.output;
      return;
    }
  }
  const name = fresh(`${use.bias || site.layer.weightTensor}.corrected`);
  model.graph.initializer.push(
    tensor(model.tensors, name, TensorProto_DataType.FLOAT, [quantized.bias.length], quantized.bias),
  );
  if (site.layer.opType !== "MatMul") {
    target.input[2] = name;
    return;
  }
  const output = target.output[0] as string;
  const inner = fresh(`${output}.product`);
  target.output[0] = inner;
  after.set(target, [node("Add", [inner, name], [output])]);
}

/** Drops the float weights, and the constant chains before them, that nothing reads any more. */
function removeUnused(graph: GraphProto): void {
  for (;;) {
    const read = new Set(graph.output.map((v) => v.name));
    for (const n of graph.node) for (const name of nodeReads(n)) read.add(name);
    const constants = new Set(graph.initializer.map((t) => t.name));
    for (const n of graph.node) if (n.opType === "Constant") for (const name of n.output) constants.add(name);
    // Only what computes from constants may go: a user's own dead nodes are not ours to remove.
    const isDeadConstant = (n: NodeProto) =>
      !n.output.some((name) => read.has(name)) && n.input.every((name) => name === "" || constants.has(name));
    const nodes = graph.node.filter((n) => !isDeadConstant(n));
    const dropped = new Set(graph.initializer.filter((t) => !read.has(t.name)).map((t) => t.name));
    const done = nodes.length === graph.node.length && dropped.size === 0;
    graph.node = nodes;
    graph.initializer = graph.initializer.filter((t) => !dropped.has(t.name));
    // Before IR 4 every initializer is declared as an input too.
    graph.input = graph.input.filter((v) => !dropped.has(v.name));
    if (done) return;
  }
}

function declareDomain(model: OnnxModel, domain: string, version: bigint): void {
  const used = model.graph.node.some((n) => n.domain === domain);
  if (!used || model.proto.opsetImport.some((o) => o.domain === domain)) return;
  model.proto.opsetImport.push(create(OperatorSetIdProtoSchema, { domain, version }));
}
