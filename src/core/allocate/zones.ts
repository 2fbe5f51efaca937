import type { Zone } from "../plan/types.ts";
import { fitsPressure } from "./costTable.ts";

/**
 * delta-A: how far the loss of accuracy may be above its target and still count as near, a fraction (one point). The
 * paper does not publish it; ours is the step in which its tables tell good from bad results ("< 1 point").
 */
export const accuracyBuffer = 0.01;
/**
 * delta-M: how far cost may be above its limit and still count as near, a fraction of the limit. Not published either;
 * ours is about what one step of two layers by two bits frees in a network of 20 layers.
 */
export const costBuffer = 0.05;

/** Where a configuration is with regard to one target. */
type Reach = "met" | "near" | "far";

/** A zone, and the step of phase 2 that starts there: how many groups to raise and to lower. */
export interface ZoneRow {
  readonly zone: Zone;
  readonly raise: number;
  readonly lower: number;
}

/**
 * The zones by accuracy (rows) and cost (columns). "near" is missed by at most the buffer, "far" by more. The paper
 * names the zones and the step of 2 layers; where their borders run is our reading of it.
 *
 *                     cost met         cost near        cost far
 *     accuracy met    target           transition       bit-decrease
 *     accuracy near   transition       iteration        bit-decrease
 *     accuracy far    bit-increase     iteration        abandon
 */
const zoneTable: Readonly<Record<Reach, Readonly<Record<Reach, ZoneRow>>>> = {
  met: {
    // Both targets are met: nothing to do.
    met: { zone: "target", raise: 0, lower: 0 },
    // One met, the other nearly: half a step, not to lose the one for the other.
    near: { zone: "transition", raise: 0, lower: 1 },
    // Accuracy is there, cost is not: lower the least sensitive.
    far: { zone: "bit-decrease", raise: 0, lower: 2 },
  },
  near: {
    near: { zone: "iteration", raise: 1, lower: 1 },
    met: { zone: "transition", raise: 1, lower: 0 },
    // Accuracy is short, but within its buffer: cost first.
    far: { zone: "bit-decrease", raise: 0, lower: 2 },
  },
  far: {
    // There is room and accuracy is short: raise the most sensitive.
    met: { zone: "bit-increase", raise: 2, lower: 0 },
    // Both missed, cost within its buffer: move bits from the least to the most sensitive.
    near: { zone: "iteration", raise: 1, lower: 1 },
    // Neither is within its buffer: a step towards one target leads away from the other.
    far: { zone: "abandon", raise: 0, lower: 0 },
  },
};

/**
 * @param shortfall loss of accuracy above its target, a fraction; <= 0 is met. Without an accuracy target pass 0.
 * @param pressure largest use / limit; <= 1 is met
 */
export function zoneOf(shortfall: number, pressure: number): ZoneRow {
  const accuracy: Reach = shortfall <= 0 ? "met" : shortfall <= accuracyBuffer ? "near" : "far";
  const cost: Reach = fitsPressure(pressure) ? "met" : pressure - 1 <= costBuffer ? "near" : "far";
  return zoneTable[accuracy][cost];
}

/** How far a configuration is from its targets, in buffers; 0 in the target zone. Falls as long as steps help. */
export function distance(shortfall: number, pressure: number): number {
  return Math.max(0, shortfall) / accuracyBuffer + (fitsPressure(pressure) ? 0 : (pressure - 1) / costBuffer);
}
