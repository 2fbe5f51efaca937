import type { BlockSize } from "../hardware/profile.ts";
import type { Discovery, LayerSite } from "../model/discover.ts";
import type { Layer } from "../model/layer.ts";
import { opsetOf } from "../onnx/graph.ts";
import { copyModel } from "../onnx/model.ts";
import { raiseOpset } from "../onnx/opset.ts";
import { opsets } from "../qdq/weights.ts";
import type { Measurement } from "../sensitivity/types.ts";
import type { DecideInput } from "./decidePlan.ts";
import type { PreparedModel } from "./prepare.ts";

/** Asked again at each change of a budget: a model is looked at once for each block size. */
const known = new WeakMap<PreparedModel, Map<BlockSize, PreparedModel>>();

/**
 * The model as a device sees it whose MatMul and Gemm have a scale for each `blockSize` weights of an output channel. The same
 * model where the device has none, or where the model's opset cannot be raised to one that blocks can be written in (a note says so).
 */
export function withBlocks(prepared: PreparedModel, blockSize: BlockSize | undefined): PreparedModel {
  if (blockSize === undefined) return prepared;
  const variants = known.get(prepared) ?? new Map<BlockSize, PreparedModel>();
  known.set(prepared, variants);
  const variant = variants.get(blockSize) ?? makeBlocks(prepared, blockSize);
  variants.set(blockSize, variant);
  return variant;
}

function makeBlocks(prepared: PreparedModel, blockSize: BlockSize): PreparedModel {
  const { model, shapes, discovery } = prepared;
  const layers = discovery.layers.map((layer) =>
    takesBlocks(layer, discovery, blockSize) ? { ...layer, blockSize } : layer,
  );
  if (layers.every((layer) => layer.blockSize === undefined)) return prepared;
  if (opsetOf(model.proto, "") < opsets.blocks) {
    const { blockers } = raiseOpset(copyModel(model), opsets.blocks, (value) => shapes.get(value)?.length);
    if (blockers.length > 0) {
      const note = `Weights have one scale for each output channel, not for each ${blockSize} weights: that needs opset ${opsets.blocks}, which ${blockers.join(", ")} cannot be raised to`;
      return { ...prepared, notes: [...prepared.notes, note] };
    }
  }
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const sites = new Map<string, LayerSite>();
  for (const [name, site] of discovery.sites) sites.set(name, { ...site, layer: byName.get(name) ?? site.layer });
  return { ...prepared, discovery: { ...discovery, layers, sites } };
}

/** A matrix that is multiplied by, and by nothing but products: a table that rows are looked up in has a scale for each row. */
function takesBlocks(layer: Layer, { uses }: Discovery, blockSize: number): boolean {
  const [rows = 0, columns = 0] = layer.weightShape;
  const isMatrix = layer.weightShape.length === 2 && layer.floatReason === undefined;
  const multiplies = (uses.get(layer.name) ?? []).every(
    ({ node }) => node.opType === "MatMul" || node.opType === "Gemm",
  );
  return isMatrix && multiplies && (layer.channelAxis === 0 ? columns : rows) > blockSize;
}

/**
 * What a decision is made from, with the blocks of its device. Sensitivities of layers with blocks are measured anew: those that
 * are known are of the model without a device.
 */
export function onDevice(input: DecideInput): DecideInput {
  const prepared = withBlocks(input.prepared, input.profile.blockSize);
  if (prepared === input.prepared) return input;
  const hasBlocks = (layer: string) => prepared.discovery.sites.get(layer)?.layer.blockSize !== undefined;
  const { known: measured, onMeasured } = input;
  return {
    ...input,
    prepared,
    weights: input.weights.on(prepared),
    ...(measured && { known: (layer, bits) => (hasBlocks(layer) ? undefined : measured(layer, bits)) }),
    ...(onMeasured && {
      onMeasured: (layer, bits, value: Measurement) => {
        if (!hasBlocks(layer)) onMeasured(layer, bits, value);
      },
    }),
  };
}
