import type { Bits } from "../hardware/profile.ts";
import type { Measurement } from "./types.ts";

/**
 * The unit of a sensitivity analysis: one layer at some bitwidths, on all samples of the sweep. Jobs do not depend on each other nor on
 * the order in which they are done (see Sweep), so that any process may do any of them, twice even. Plain data.
 */
export interface LayerJob {
  readonly layer: string;
  readonly bits: readonly Bits[];
}

/** What one job measured. */
export interface LayerResult {
  readonly layer: string;
  readonly values: ReadonlyMap<Bits, Measurement>;
}

export type Measurements = ReadonlyMap<string, ReadonlyMap<Bits, Measurement>>;

/**
 * What is left to measure.
 * @param layers names, in the order of the walk through the network
 * @param bits to measure, by layer
 * @param known what an earlier, interrupted run measured
 * @returns one job for each layer that lacks something, in the order of `layers`
 */
export function jobsFor(
  layers: readonly string[],
  bits: (layer: string) => readonly Bits[],
  known: ((layer: string, bits: Bits) => Measurement | undefined) | undefined,
): readonly LayerJob[] {
  return layers.flatMap((layer) => {
    const open = bits(layer).filter((b) => known?.(layer, b) === undefined);
    return open.length > 0 ? [{ layer, bits: open }] : [];
  });
}

/** What is known already, by layer in the order of `layers`; a layer of which nothing is known has an empty row. */
export function knownResults(
  layers: readonly string[],
  bits: (layer: string) => readonly Bits[],
  known: ((layer: string, bits: Bits) => Measurement | undefined) | undefined,
): readonly LayerResult[] {
  return layers.map((layer) => {
    const values = bits(layer).flatMap((b) => {
      const value = known?.(layer, b);
      return value === undefined ? [] : [[b, value] as const];
    });
    return { layer, values: new Map(values) };
  });
}

/**
 * Results as one table. Whatever their order, and however often a job was done, the table is the same: layers stand as they are first
 * named, bits ascending, and of two results for the same cell (which are equal) the later one counts.
 */
export function mergeResults(results: Iterable<LayerResult>): Measurements {
  const cells = new Map<string, Map<Bits, Measurement>>();
  for (const { layer, values } of results) {
    const row = cells.get(layer) ?? new Map<Bits, Measurement>();
    for (const [bits, value] of values) row.set(bits, value);
    cells.set(layer, row);
  }
  return new Map([...cells].map(([layer, row]) => [layer, new Map([...row].sort(([a], [b]) => a - b))]));
}
