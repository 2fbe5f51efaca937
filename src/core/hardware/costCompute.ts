import type { Layer } from "../model/layer.ts";
import { allBits, floatKey, pairFigure } from "./bitPairs.ts";
import { activationBytes, weightBytes } from "./costMemory.ts";
import type { ActivationBits, Bits, HardwareProfile } from "./profile.ts";

/** Bits of an IEEE 754 single, which float layers compute in. */
const floatBits = 32;

/**
 * Bit operations of one inference of a layer: MACs * weight bits * activation bits, undefined when its MACs are unknown.
 * Null activation bits count as 32; null weight bits are a float layer, 32 x 32, unless the file holds integers (`storedBits`).
 * Source: HAWQ-V3 (Yao et al., arXiv 2011.10680), BOPS_i = b_w * b_a * MAC_i. UNIQ (Baskin et al., arXiv 1804.10969) adds
 * the accumulator's adders to it, which depend on the hardware and are left out here, as in the paper's own comparisons.
 */
export function bops(layer: Layer, weightBits: Bits | null, activationBits: ActivationBits | null): number | undefined {
  if (layer.macs === undefined) return undefined;
  const bits = computedBits(layer, weightBits, activationBits);
  return layer.macs * (bits.weight ?? floatBits) * (bits.activation ?? floatBits);
}

/**
 * The bits that a layer computes in: those decided for it, or those that its weights have in the file already. Activations are in
 * float where weights are.
 */
function computedBits(layer: Layer, weightBits: Bits | null, activationBits: ActivationBits | null) {
  const weight = weightBits ?? layer.storedBits ?? null;
  return { weight, activation: weight === null || layer.weightsOnly ? null : activationBits };
}

/**
 * Bytes that one inference of a layer moves between memory and compute:
 *
 *     nodes * weightBytes + bytes of the activation input + bytes of the activation output
 *
 * A weight that several nodes share is read by each of them; of a table (Gather) only the rows that are looked up are. Undefined
 * when a shape is unknown.
 */
export function bytesMoved(
  layer: Layer,
  weightBits: Bits | null,
  activationBits: ActivationBits | null,
  profile: HardwareProfile,
): number | undefined {
  if (layer.inputElements === undefined || layer.outputElements === undefined) return undefined;
  const { activation } = computedBits(layer, weightBits, activationBits);
  return (
    weightTraffic(layer) * weightBytes(layer, weightBits, profile) +
    activationBytes(layer.inputElements, activation) +
    activationBytes(layer.outputElements, activation)
  );
}

/**
 * Seconds that one inference spends in a layer. The first of these that the profile has:
 *
 * 1. `measuredLatencyMs[layer][bits]`; where only wider bits were measured, the next wider of them.
 * 2. max(MACs / (macsPerCycle["wxa"] * macUnits * clock), bytesMoved / bandwidth) + nodes * layerOverhead
 *
 * (2) is the roofline model (Williams, Waterman, Patterson 2009): a layer takes as long as the slower of arithmetic and
 * traffic. A profile without `bandwidthMBps` is taken as bound by arithmetic, one without `layerOverheadUs` as having
 * none; without a clock or a figure for the pair of bits (see `pairKey` for the fallback to wider weights), or with
 * unknown shapes, the latency is undefined. Nodes between layers (pooling, additions) are not counted.
 */
export function latencySeconds(
  layer: Layer,
  weightBits: Bits | null,
  activationBits: ActivationBits | null,
  profile: HardwareProfile,
): number | undefined {
  const { compute } = profile;
  if (!compute) return undefined;
  const measured = measuredMs(compute.measuredLatencyMs, layer.name, weightBits);
  if (measured !== undefined) return measured / 1e3;
  if (layer.macs === undefined || compute.clockMHz === undefined || !compute.macsPerCycle) return undefined;
  const bits = computedBits(layer, weightBits, activationBits);
  const perCycle = pairFigure(compute.macsPerCycle, bits.weight, bits.activation);
  // A layer that multiplies nothing (a lookup) needs no figure for its type.
  if (perCycle === undefined && layer.macs > 0) return undefined;
  const arithmetic = layer.macs === 0 ? 0 : layer.macs / ((perCycle ?? 1) * compute.macUnits * compute.clockMHz * 1e6);
  const overhead = (runs(layer) * (compute.layerOverheadUs ?? 0)) / 1e6;
  if (compute.bandwidthMBps === undefined) return arithmetic + overhead;
  const bytes = bytesMoved(layer, weightBits, activationBits, profile);
  if (bytes === undefined) return undefined;
  return Math.max(arithmetic, bytes / (compute.bandwidthMBps * 1e6)) + overhead;
}

/**
 * Joules of one inference of a layer: (MACs * energyPerMacPj["wxa"] + bytesMoved * energyPerBytePj) * 1e-12.
 *
 * The usual split into arithmetic and data movement (Horowitz, "Computing's energy problem", ISSCC 2014). A profile without
 * `energyPerBytePj` counts arithmetic alone: its energy per MAC then has to include the traffic. Undefined without a
 * figure for the pair of bits (see `pairKey`) or with unknown shapes.
 */
export function energyJoules(
  layer: Layer,
  weightBits: Bits | null,
  activationBits: ActivationBits | null,
  profile: HardwareProfile,
): number | undefined {
  const { energy } = profile;
  if (!energy?.energyPerMacPj || layer.macs === undefined) return undefined;
  const bits = computedBits(layer, weightBits, activationBits);
  const perMac = pairFigure(energy.energyPerMacPj, bits.weight, bits.activation);
  if (perMac === undefined && layer.macs > 0) return undefined;
  const arithmetic = layer.macs * (perMac ?? 0);
  if (energy.energyPerBytePj === undefined) return arithmetic / 1e12;
  const bytes = bytesMoved(layer, weightBits, activationBits, profile);
  return bytes === undefined ? undefined : (arithmetic + bytes * energy.energyPerBytePj) / 1e12;
}

/** How often an inference reads the layer's weights. */
function weightTraffic(layer: Layer): number {
  if (layer.opType !== "Gather") return runs(layer);
  return Math.min(runs(layer), (layer.outputElements ?? 0) / Math.max(1, layer.params));
}

/** How often an inference runs the layer: once for each node that uses its weight. */
function runs(layer: Layer): number {
  return Math.max(1, layer.nodes.length);
}

function measuredMs(
  table: NonNullable<HardwareProfile["compute"]>["measuredLatencyMs"],
  layer: string,
  weightBits: Bits | null,
): number | undefined {
  if (!table || !Object.hasOwn(table, layer)) return undefined;
  const row = table[layer] ?? {};
  const keys = weightBits === null ? [floatKey] : allBits.filter((bits) => bits >= weightBits).map(String);
  const key = keys.find((candidate) => Object.hasOwn(row, candidate));
  return key === undefined ? undefined : row[key];
}
