import type { Bits } from "../hardware/profile.ts";
import { type CostTable, closestBits } from "./costTable.ts";

/**
 * Every layer at `bits` bits: the baseline that mixed bits are measured against. A group that may not have them gets
 * the next wider bits it may have, else its widest; pinned layers keep their pins; layers in float are not in the map.
 */
export function uniformBits(table: CostTable, bits: Bits): Map<string, Bits> {
  return table.withFixed((group) => closestBits(group.bits, bits));
}
