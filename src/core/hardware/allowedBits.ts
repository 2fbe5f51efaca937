import type { Layer } from "../model/layer.ts";
import type { ActivationBits, Bits, HardwareProfile } from "./profile.ts";

/**
 * Weight bits that may be chosen for a layer on a device, ascending: those of its operator (`operators[opType].weightBits`)
 * where the profile has them, else the device's; of these only `candidates` when given (`--bits 2,4,8`).
 * Empty = the layer stays in float: because it can't be quantized (`floatReason`), the device runs its operator in
 * float, or no candidate is supported.
 */
export function allowedBits(layer: Layer, profile: HardwareProfile, candidates?: readonly Bits[]): readonly Bits[] {
  if (layer.floatReason !== undefined) return [];
  const operator = Object.hasOwn(profile.operators, layer.opType) ? profile.operators[layer.opType] : undefined;
  if (operator?.float) return [];
  const supported = operator?.weightBits ?? profile.weightBits;
  return candidates ? supported.filter((bits) => candidates.includes(bits)) : supported;
}

/**
 * Why the device keeps a layer of this operator in float, at most 40 characters; undefined if it does not. A layer whose
 * own `floatReason` is set has that one.
 */
export function deviceFloatReason(opType: string, profile: HardwareProfile): string | undefined {
  const operator = Object.hasOwn(profile.operators, opType) ? profile.operators[opType] : undefined;
  return operator?.float ? `${opType} runs in float on this device`.slice(0, 40) : undefined;
}

/**
 * Activation bits that a plan uses unless told otherwise: 8 where the device has it, since activations are quantized to 8
 * bits in the paper (section on quantizers) and every runtime has kernels for it; else the narrowest wider, else the widest.
 */
export function defaultActivationBits(profile: HardwareProfile): ActivationBits {
  const usual = 8;
  return profile.activationBits.find((bits) => bits >= usual) ?? profile.activationBits.at(-1) ?? usual;
}
