import type { Bits } from "../../src/core/hardware/profile.ts";
import { count } from "../format/numbers.ts";

/** Bars closer than this, in pixels, are no bars: several layers then share one. */
const leastPitch = 3;

/** Layers beyond this number are told by their counts, and not one by one. */
const mostTold = 64;

/** `Bits 8, 4, float`; of large networks `12 layers at 4 bits, 3 layers at 8 bits`. */
export function stripLabel(bits: readonly (Bits | null)[]): string {
  if (bits.length <= mostTold) return `Bits ${bits.map((own) => own ?? "float").join(", ")}`;
  const counts = new Map<Bits | null, number>();
  for (const own of bits) counts.set(own, (counts.get(own) ?? 0) + 1);
  return [...counts]
    .sort(([a], [b]) => (a ?? 9) - (b ?? 9))
    .map(([own, layers]) => `${count(layers, "layer")} ${own === null ? "in float" : `at ${own} bits`}`)
    .join(", ");
}

/**
 * One value a bar: that of its layer, or the mean of several layers' bits.
 * @param width of all bars, pixels
 */
export function barsFor(bits: readonly (Bits | null)[], width: number): readonly (Bits | null)[] {
  const perBar = Math.ceil((bits.length * leastPitch) / width);
  if (perBar <= 1) return bits;
  const grouped: (Bits | null)[] = [];
  for (let from = 0; from < bits.length; from += perBar) {
    const own = bits.slice(from, from + perBar).filter((each) => each !== null);
    grouped.push(own.length === 0 ? null : (Math.round(own.reduce<number>((a, b) => a + b, 0) / own.length) as Bits));
  }
  return grouped;
}
