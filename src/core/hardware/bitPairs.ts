import type { ActivationBits, Bits } from "./profile.ts";

export const allBits: readonly Bits[] = [2, 3, 4, 5, 6, 7, 8];
export const allActivationBits: readonly ActivationBits[] = [4, 8, 16];

/** Key of a float layer's figure in `macsPerCycle`, `energyPerMacPj` and a layer's measured latencies. */
export const floatKey = "float";

export interface BitPair {
  readonly weight: Bits;
  readonly activation: ActivationBits;
}

/** `{ weight: 4, activation: 8 }` from "4x8"; undefined when the key is "float" or malformed. */
export function parsePair(key: string): BitPair | undefined {
  const match = /^([2-8])x(4|8|16)$/.exec(key);
  if (!match) return undefined;
  return { weight: Number(match[1]) as Bits, activation: Number(match[2]) as ActivationBits };
}

/**
 * The key of `figures` that applies to weights of `weightBits` and activations of `activationBits` bits.
 *
 * A layer with float weights or float activations computes in float: "float". Otherwise "wxa" itself; where the device has
 * no figure for it, that of the next wider weights at the same activation bits, since a kernel that lacks a type runs
 * the wider one. Never a narrower one, which would promise what the device may not do; then undefined.
 */
export function pairKey(
  figures: Readonly<Record<string, number>>,
  weightBits: Bits | null,
  activationBits: ActivationBits | null,
): string | undefined {
  const candidates =
    weightBits === null || activationBits === null
      ? [floatKey]
      : allBits.filter((bits) => bits >= weightBits).map((bits) => `${bits}x${activationBits}`);
  return candidates.find((key) => Object.hasOwn(figures, key));
}

/** The figure itself; see `pairKey` for the fallback. */
export function pairFigure(
  figures: Readonly<Record<string, number>>,
  weightBits: Bits | null,
  activationBits: ActivationBits | null,
): number | undefined {
  const key = pairKey(figures, weightBits, activationBits);
  return key === undefined ? undefined : figures[key];
}
