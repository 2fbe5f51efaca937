import type { ActivationBits, Bits } from "../../src/core/hardware/profile.ts";
import { quantizedActivations } from "../../src/core/model/activations.ts";
import { outputChannels, readBias, takesBias } from "../../src/core/model/bias.ts";
import {
  type DiscoverOptions,
  type Discovery,
  discoverLayers,
  type LayerSite,
  quantizableSites,
} from "../../src/core/model/discover.ts";
import { readWeight } from "../../src/core/model/readWeight.ts";
import { inferShapes } from "../../src/core/model/shapes.ts";
import { extract } from "../../src/core/model/subgraph.ts";
import { withWeightInputs } from "../../src/core/model/weightInputs.ts";
import type { OnnxModel } from "../../src/core/onnx/model.ts";
import type { Tensor } from "../../src/core/ports.ts";
import { insertActivations } from "../../src/core/qdq/activations.ts";
import { type QuantizedGraph, quantizeGraph } from "../../src/core/qdq/quantizeGraph.ts";
import type { ActivationQuantization, QuantizedLayer } from "../../src/core/qdq/types.ts";
import { affineGrid } from "../../src/core/quant/affineGrid.ts";
import { dequantize, quantizeWeights } from "../../src/core/quant/quantizer.ts";
import { float32, inference, numbers, run } from "./ortRun.ts";

export interface TinyQuantization {
  readonly discovery: Discovery;
  readonly written: QuantizedGraph;
  readonly layers: ReadonlyMap<string, QuantizedLayer>;
  readonly activations: ReadonlyMap<string, ActivationQuantization>;
  /** Values of the float network that are quantized, by name. */
  readonly calibrated: Readonly<Record<string, Tensor>>;
  /** The float network with dequantized weights, and with QDQ pairs on the activations, computed in float. */
  simulate(): Promise<Readonly<Record<string, Tensor>>>;
}

export interface TinyOptions extends DiscoverOptions {
  readonly pack?: boolean;
  /** Weights of matrices that share a scale. */
  readonly blockSize?: number;
}

/** Quantizes every layer of a small model, calibrated on the one sample. */
export async function quantizeTiny(
  model: OnnxModel,
  feeds: Readonly<Record<string, Tensor>>,
  bits: Bits,
  activationBits: ActivationBits | null,
  { pack = false, blockSize, ...discover }: TinyOptions = {},
): Promise<TinyQuantization> {
  const discovery = await discoverLayers(model, discover);
  const sites = quantizableSites(discovery);
  const { types, shapes } = await inferShapes(model, inference);
  const layers = new Map<string, QuantizedLayer>();
  for (const site of sites) layers.set(site.layer.name, await quantizeLayer(model, site, bits, blockSize));
  const names = activationBits === null ? [] : quantizedActivations(model.graph, sites, types);
  const given = Object.keys(feeds);
  const fetched = names.filter((name) => !given.includes(name));
  const calibrated = { ...feeds };
  if (fetched.length > 0) Object.assign(calibrated, await run(extract(model, given, fetched, new Map()), feeds));
  const activations = new Map<string, ActivationQuantization>();
  for (const name of names) {
    const values = numbers(calibrated[name]);
    const width = activationBits as ActivationBits;
    const [low, high] = values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [0, 0]);
    activations.set(name, { ...affineGrid(low, high, width), bits: width });
  }
  const halfActivations = new Set(names.filter((name) => types.get(name) === "float16"));
  const written = quantizeGraph(model, discovery, layers, activations, { halfActivations, shapes, pack });
  return {
    discovery,
    written,
    layers,
    activations,
    calibrated,
    async simulate() {
      const variant = withWeightInputs(model, sites);
      insertActivations(variant.model, activations, halfActivations);
      const weights: Record<string, Tensor> = {};
      for (const site of sites) {
        const inputs = variant.inputs.get(site.layer.name);
        const layer = layers.get(site.layer.name);
        if (inputs === undefined || layer === undefined) continue;
        weights[inputs.weight] = float32(site.chain.shape, floatWeight(site, layer));
        if (inputs.bias && layer.bias) weights[inputs.bias] = float32([layer.bias.length], layer.bias);
      }
      return run(variant.model, { ...feeds, ...weights }, { optimization: "disabled" });
    },
  };
}

async function quantizeLayer(
  model: OnnxModel,
  site: LayerSite,
  bits: Bits,
  blockSize: number | undefined,
): Promise<QuantizedLayer> {
  const { weightShape, channelAxis, weightsOnly } = site.layer;
  const multiplies = site.uses.every(({ node }) => ["MatMul", "Gemm"].includes(node.opType));
  const isMatrix = !weightsOnly && weightShape.length === 2 && multiplies;
  const blocks = blockSize !== undefined && isMatrix ? { blockSize } : {};
  const weight = await readWeight(model.tensors, site.chain);
  const { q, scales } = quantizeWeights(weight, weightShape, channelAxis, bits, "minmax", blocks);
  if (!takesBias(site)) return { bits, q, scales, ...blocks };
  return {
    bits,
    q,
    scales,
    ...blocks,
    bias: (await readBias(model.tensors, site)) ?? new Float32Array(outputChannels(site)),
  };
}

function floatWeight(site: LayerSite, { bits, q, scales, blockSize }: QuantizedLayer): Float32Array {
  const { weightShape, channelAxis } = site.layer;
  const size = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
  const view = {
    outer: size(weightShape.slice(0, channelAxis)),
    channels: weightShape[channelAxis] as number,
    inner: size(weightShape.slice(channelAxis + 1)),
  };
  return dequantize({ bits, q, scales, view, blockSize: blockSize ?? view.outer * view.inner });
}
