import type { Discovery } from "../model/discover.ts";
import { nodePaths } from "../model/paths.ts";
import { pruner } from "../model/prune.ts";
import { opsetOf } from "../onnx/graph.ts";
import { raiseIrVersion } from "../onnx/irVersion.ts";
import { copyModel, type OnnxModel } from "../onnx/model.ts";
import { raiseOpset } from "../onnx/opset.ts";
import { insertActivations, tiedActivations } from "./activations.ts";
import { biasForm, writeBias } from "./bias.ts";
import { needsDetaching } from "./detach.ts";
import { GraphEdit } from "./edit.ts";
import { isLookup } from "./lookup.ts";
import { opsetOfPacking, Unpacker } from "./packedBits.ts";
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
 * untouched nodes) stays. The opset is raised for int2 and for quantized activations; for weights of 4 and 8 bits alone ONNX
 * Runtime's own DequantizeLinear does where the model's opset lacks it.
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
    /** Packs weights of 3, 5 and 6 bits, which have no ONNX type, instead of storing them in the next wider one. */
    readonly pack?: boolean;
  } = {},
): QuantizedGraph {
  const model = copyModel(original);
  const prune = pruner(model.graph);
  const paths = nodePaths(model.graph);
  const notes = raiseForTypes(model, discovery, layers, activations.size > 0, options.shapes);
  const domains = qdqDomains(opsetOf(model.proto, ""));
  const tied = tiedActivations(model, activations);
  const dequantized = new Set(model.graph.node.filter((n) => n.opType === "DequantizeLinear").flatMap((n) => n.output));
  const isQuantized = (activation: string) => tied.has(activation) || dequantized.has(activation);
  const edit = new GraphEdit(model, paths);
  const stored: StoredWeight[] = [];
  const unpacker = options.pack && opsetOf(model.proto, "") >= opsetOfPacking ? new Unpacker(edit) : undefined;
  for (const [name, quantized] of layers) {
    const site = discovery.sites.get(name);
    if (site === undefined || site.layer.floatReason !== undefined) continue;
    const bias = biasForm(site, quantized, tied);
    const isDetached = needsDetaching(site, quantized, bias, isQuantized, domains);
    stored.push(writeWeight(edit, site, quantized, domains, isDetached, unpacker));
    writeBias(edit, site, bias, domains);
  }
  edit.apply();
  insertActivations(model, activations, options.halfActivations);
  prune();
  const widths = new Set(stored.map((s) => s.storedBits));
  raiseIrVersion(model, widths.has(2) ? irVersions.int2 : widths.has(4) ? irVersions.int4 : irVersions.plain);
  return { model, stored, notes };
}

/** Whether there are lookups in tables of int4 (or int2), which ONNX Runtime's own operators have no Cast for. */
function hasNarrowTables({ sites }: Discovery, layers: ReadonlyMap<string, QuantizedLayer>): boolean {
  return [...layers].some(([name, { bits }]) => bits <= 4 && sites.get(name)?.uses.some(isLookup));
}

/** An opset that something in the file needs. */
interface Wish {
  readonly opset: number;
  readonly isWanted: boolean;
  readonly what: string;
  /** The beginning of a note for models that cannot be raised. */
  readonly without: string;
}

/**
 * Raises the opset where the wanted types need it: for int2 weights, scales of blocks, lookups in tables of 4 bits, and quantized
 * activations, between which ONNX Runtime puts operators of opset 13.
 */
function raiseForTypes(
  model: OnnxModel,
  discovery: Discovery,
  layers: ReadonlyMap<string, QuantizedLayer>,
  activations: boolean,
  shapes: ReadonlyMap<string, readonly number[]> | undefined,
): string[] {
  const rankOf = (value: string) => shapes?.get(value)?.length;
  const notes: string[] = [];
  const wanted: readonly Wish[] = [
    {
      opset: opsets.int2,
      isWanted: [...layers.values()].some((layer) => layer.bits === 2),
      what: "int2 weights",
      without: "2-bit weights are stored in 4 bits: int2 needs opset",
    },
    {
      // Only asked for where the opset can be raised, see withBlocks.
      opset: opsets.blocks,
      isWanted: [...layers.values()].some((layer) => layer.blockSize !== undefined),
      what: "scales of blocks",
      without: "Scales of blocks need opset",
    },
    {
      opset: opsets.int4,
      isWanted: hasNarrowTables(discovery, layers),
      what: "tables of 4 bits",
      without: "Tables of 4 bits are stored in 8: they need opset",
    },
    {
      opset: opsets.perAxis,
      isWanted: activations,
      what: "quantized activations",
      without: "ONNX Runtime computes layers in float: its integer kernels need opset",
    },
  ];
  for (const { opset, isWanted, what, without } of wanted) {
    if (!isWanted || opsetOf(model.proto, "") >= opset) continue;
    const { from, blockers } = raiseOpset(model, opset, rankOf);
    notes.push(
      blockers.length === 0
        ? `Opset raised from ${from} to ${opset}, for ${what}`
        : `${without} ${opset}, which ${blockers.join(", ")} cannot be raised to`,
    );
  }
  return notes;
}
