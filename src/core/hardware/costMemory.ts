import type { Layer } from "../model/layer.ts";
import type { ActivationBits, Bits, HardwareProfile } from "./profile.ts";

/** An IEEE 754 single: what a value kept in float takes unless the model stores it otherwise. */
const float32Bytes = 4;
const bitsPerByte = 8;

/** What a layer occupies in weight memory, bytes, each part rounded up to the device's alignment. */
export interface WeightMemory {
  readonly weights: number;
  readonly scales: number;
  readonly zeroPoints: number;
  readonly bias: number;
  readonly total: number;
}

/** Bits that one weight of `bits` bits occupies: itself when packed, else the next of 2, 4 and 8. */
export function storedBits(bits: Bits, packing: HardwareProfile["memory"]["weightPacking"]): number {
  if (packing === "packed" || bits === 2) return bits;
  return bits <= 4 ? 4 : 8;
}

/** Output channels of a layer: one scale (and zero point) each. */
export function outputChannels(layer: Layer): number {
  return layer.weightShape[layer.channelAxis] ?? 1;
}

/** Scales of a layer: one for each output channel, or for each block of it. */
export function scaleCount(layer: Layer): number {
  const channels = outputChannels(layer);
  const { blockSize } = layer;
  return blockSize === undefined ? channels : channels * Math.ceil(layer.params / Math.max(1, channels) / blockSize);
}

function alignUp(bytes: number, alignment: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

/**
 * Weight memory of one layer at `bits` bits, in parts.
 *
 *     weights    = ceil(params * stored(bits) / 8)       stored: packed or container, see `storedBits`
 *     scales     = count * scaleBytes                    count = weightShape[channelAxis], times blocks of a channel
 *     zeroPoints = count * zeroPointBytes
 *     bias       = biasParams * biasBytes
 *     total      = the sum, each part rounded up to a multiple of weightAlignmentBytes
 *
 * `bits` null is a layer kept in float: the bytes the model stores for its weights, a bias of the same type, no scales and
 * no zero points.
 * Source: ONNX DequantizeLinear (one scale and one zero point per index of `axis`) for what a quantized tensor consists of.
 */
export function weightMemory(layer: Layer, bits: Bits | null, profile: HardwareProfile): WeightMemory {
  const { weightAlignmentBytes: alignment, weightPacking, scaleBytes, zeroPointBytes, biasBytes } = profile.memory;
  const count = bits === null ? 0 : scaleCount(layer);
  const floatBytes = layer.params > 0 ? layer.floatBytes / layer.params : float32Bytes;
  const raw =
    bits === null ? layer.floatBytes : Math.ceil((layer.params * storedBits(bits, weightPacking)) / bitsPerByte);
  const weights = alignUp(raw, alignment);
  const scales = alignUp(count * scaleBytes, alignment);
  const zeroPoints = alignUp(count * zeroPointBytes, alignment);
  const bias = alignUp(layer.biasParams * (bits === null ? floatBytes : biasBytes), alignment);
  return { weights, scales, zeroPoints, bias, total: weights + scales + zeroPoints + bias };
}

/** The total of `weightMemory`, bytes: weights, scales, zero points and bias as the device holds them. */
export function weightBytes(layer: Layer, bits: Bits | null, profile: HardwareProfile): number {
  return weightMemory(layer, bits, profile).total;
}

/** Bytes of an activation tensor: ceil(elements * bits / 8); null bits = float, 4 bytes an element. */
export function activationBytes(elements: number, bits: ActivationBits | null): number {
  return bits === null ? elements * float32Bytes : Math.ceil((elements * bits) / bitsPerByte);
}
