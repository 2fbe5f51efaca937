import type { FixedInputs } from "../data/fixedInputs.ts";
import { type PeakMemory, peakActivationBytes, type ScheduledNode } from "../hardware/activationMemory.ts";
import { activationBytes } from "../hardware/costMemory.ts";
import type { ActivationBits } from "../hardware/profile.ts";
import { lowBitValues, quantizedActivations } from "../model/activations.ts";
import type { AssumedDim } from "../model/assumedDims.ts";
import { inferBodyShapes } from "../model/bodyShapes.ts";
import { type Discovery, discoverLayers, quantizableSites } from "../model/discover.ts";
import { foldBatchNorm } from "../model/foldBatchNorm.ts";
import { withCounts } from "../model/macs.ts";
import { inExecutionOrder } from "../model/order.ts";
import { outputKindOf } from "../model/outputKind.ts";
import { fixedValues, nodeReads } from "../model/scope.ts";
import { type InferredShapes, inferShapes } from "../model/shapes.ts";
import { product } from "../model/weightChain.ts";
import { maxModelBytes } from "../onnx/limits.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { modelBytes } from "../onnx/write.ts";
import type { Inference, InferenceSession, SessionOptions, ValueInfo } from "../ports.ts";
import { equalizeChannels } from "../recovery/equalize.ts";
import type { OutputKind } from "../sensitivity/outputs.ts";
import { usualMemory } from "./heldMemory.ts";

/** A model ready to be analyzed: batch normalization folded, layers found, shapes inferred. */
export interface PreparedModel {
  readonly model: OnnxModel;
  /** The same before channels were equalized, where they were. */
  readonly unequalized?: { readonly model: OnnxModel; readonly discovery: Discovery };
  /** The file it came from, as the inference adapter understands it: what is run when the model is too large for one message. */
  readonly path?: string;
  readonly discovery: Discovery;
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly types: ReadonlyMap<string, ValueInfo["type"]>;
  readonly assumed: readonly AssumedDim[];
  readonly outputKind: OutputKind;
  /** Bytes that its analysis may take, see heldMemory.ts. */
  readonly memory: number;
  /** BatchNormalization nodes that were folded into the layer before. */
  readonly foldedBatchNorms: number;
  /** What the user should know: shapes that could not be inferred and the like. */
  readonly notes: readonly string[];
}

export interface PrepareOptions {
  readonly path?: string;
  /** Values for open dimensions: by symbolic name, or `input.axis`. */
  readonly dims?: Readonly<Record<string, number>>;
  /** Values of inputs that a run for shapes must not make up. */
  readonly fixed?: FixedInputs;
  /** Without it shapes, MACs and activation sizes stay unknown. */
  readonly inference?: Inference;
  /** Shapes that were inferred before, by another process; `inference` and `dims` are then not used. */
  readonly inferred?: InferredShapes;
  /** Scales channels against each other across layers, see equalizeChannels. */
  readonly equalize?: boolean;
  /** Quantizes again what the file holds dequantized. */
  readonly requantize?: boolean;
  /** Leaves the graph as it is in the file: opening needs no weights then. */
  readonly keepBatchNorm?: boolean;
  /** Bytes that the model's analysis may take. */
  readonly memory?: number;
}

const noShapes: InferredShapes = { shapes: new Map(), types: new Map(), assumed: [] };

/** Finds everything about a model that needs no sample and (but for folding) no weight. */
export async function prepareModel(
  original: OnnxModel,
  options: PrepareOptions,
  signal?: AbortSignal,
): Promise<PreparedModel> {
  const ordered = inExecutionOrder(original);
  const folded = options.keepBatchNorm ? { model: ordered, folded: 0 } : await foldBatchNorm(ordered, signal);
  const { model } = options.equalize ? await equalizeChannels(folded.model, signal) : folded;
  const discover = (graph: OnnxModel) =>
    discoverLayers(graph, { ...(options.requantize && { requantize: true }) }, signal);
  const discovery = await discover(model);
  const inferred =
    options.inferred ??
    (options.inference ? await withBodies(model, discovery, options.inference, options, signal) : noShapes);
  return {
    model,
    ...(model !== folded.model && {
      unequalized: { model: folded.model, discovery: await discover(folded.model) },
    }),
    ...(options.path !== undefined && { path: options.path }),
    discovery: withCounts(discovery, inferred.shapes),
    shapes: inferred.shapes,
    types: inferred.types,
    assumed: inferred.assumed,
    outputKind: outputKindOf(model, inferred.shapes),
    memory: options.memory ?? usualMemory,
    foldedBatchNorms: folded.folded,
    notes: inferred.problem ? [inferred.problem] : [],
  };
}

/** Shapes of the main graph, and of the bodies that layers are in. */
async function withBodies(
  model: OnnxModel,
  { layers }: Discovery,
  inference: Inference,
  { dims, fixed }: Pick<PrepareOptions, "dims" | "fixed">,
  signal?: AbortSignal,
): Promise<InferredShapes> {
  const inferred = await inferShapes(model, inference, dims, fixed, signal);
  const paths = layers.filter(({ weightsOnly }) => weightsOnly).flatMap(({ nodes }) => nodes);
  const bodies = new Set(
    paths.filter((path) => path.includes("/")).map((path) => path.slice(0, path.lastIndexOf("/"))),
  );
  if (bodies.size === 0) return inferred;
  const inside = await inferBodyShapes(model, inferred, bodies, inference, signal);
  return { ...inferred, shapes: new Map([...inferred.shapes, ...inside]) };
}

/**
 * A session of the float model: of the prepared graph where it fits in one message (2 GiB), else of the file itself, whose
 * numbers are the same but for the rounding of folded normalizations.
 */
export async function openFloatModel(
  prepared: PreparedModel,
  inference: Inference,
  options: SessionOptions,
  signal?: AbortSignal,
): Promise<InferenceSession> {
  const { path, discovery } = prepared;
  const weights = discovery.layers.reduce((sum, layer) => sum + layer.floatBytes, discovery.otherConstantBytes);
  if (path !== undefined && weights > maxModelBytes / 2) return inference.open({ path }, options);
  return inference.open(await modelBytes(prepared.model, signal), options);
}

/** Values that are quantized when all quantizable layers (but those in `float`) are. */
export function activationNames(prepared: PreparedModel, float: ReadonlySet<string> = new Set()): readonly string[] {
  const sites = quantizableSites(prepared.discovery).filter((site) => !float.has(site.layer.name));
  return quantizedActivations(prepared.model.graph, sites, prepared.types);
}

/** The activations that each quantizable layer reads, by layer; not those of layers whose weights alone are quantized. */
export function inputsOfLayers({ discovery }: PreparedModel): ReadonlyMap<string, readonly string[]> {
  return new Map(
    quantizableSites(discovery)
      .filter(({ layer }) => !layer.weightsOnly)
      .map(({ layer, uses }) => [
        layer.name,
        [...new Set(uses.map((use) => use.node.input[use.slot === 0 ? 1 : 0] ?? ""))],
      ]),
  );
}

/**
 * Peak activation memory of one inference at the assumed dimensions, with the quantized activations in `bits` and the
 * rest in float32; see peakActivationBytes.
 * @param own bits of the values that have others
 */
export function activationMemory(
  prepared: PreparedModel,
  bits: ActivationBits | null,
  float?: ReadonlySet<string>,
  own: ReadonlyMap<string, ActivationBits> = new Map(),
): PeakMemory {
  const { graph } = prepared.model;
  const low = bits === null ? new Set<string>() : lowBitValues(graph, activationNames(prepared, float));
  // Weights, in whatever nodes an exporter hid them, are in weight memory.
  const fixed = fixedValues(graph);
  const schedule: ScheduledNode[] = graph.node
    .filter((node) => node.output.some((name) => name !== "" && !fixed.has(name)))
    .map((node) => ({
      name: node.name || node.opType,
      opType: node.opType,
      inputs: nodeReads(node).filter((name) => !fixed.has(name)),
      outputs: node.output.filter((name) => name !== ""),
    }));
  const inputs = graph.input.map((v) => v.name).filter((name) => !fixed.has(name));
  return peakActivationBytes(schedule, { inputs, outputs: graph.output.map((v) => v.name) }, (name) => {
    const shape = prepared.shapes.get(name);
    if (shape === undefined) return undefined;
    const width = elementBytes(prepared.types.get(name) ?? "float32");
    return low.has(name) ? activationBytes(product(shape), own.get(name) ?? bits) : product(shape) * width;
  });
}

function elementBytes(type: ValueInfo["type"]): number {
  switch (type) {
    case "float64":
    case "int64":
    case "uint64":
      return 8;
    case "float16":
    case "int16":
    case "uint16":
      return 2;
    case "int8":
    case "uint8":
    case "bool":
      return 1;
    default:
      return 4;
  }
}
