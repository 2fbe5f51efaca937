import type { HardwareProfile } from "../../core/hardware/profile.ts";
import type { DeviceFit } from "../../core/pipeline/deviceFit.ts";
import type { PreparedModel } from "../../core/pipeline/prepare.ts";

interface Kept {
  readonly key: string;
  readonly fit: DeviceFit;
}

/** The last fit of each model on each device; both are never changed, only replaced. */
const kept = new WeakMap<PreparedModel, WeakMap<HardwareProfile, Kept>>();

/**
 * A model's costs on a device, computed once for the same bits of layers that have theirs already: of thousands of layers they take longer than all that is done with them
 * while bits are typed. @param given bits of weights that are pinned, and of activations that a plan has @param make is not asked where a fit is there already; what it throws is not kept
 */
export function cachedFit(
  prepared: PreparedModel,
  profile: HardwareProfile,
  given: readonly (ReadonlyMap<string, number | null> | undefined)[],
  make: () => DeviceFit,
): DeviceFit {
  const devices = kept.get(prepared) ?? new WeakMap<HardwareProfile, Kept>();
  kept.set(prepared, devices);
  const key = JSON.stringify(given.map((bits) => [...(bits ?? [])]));
  const known = devices.get(profile);
  if (known?.key === key) return known.fit;
  const fit = make();
  devices.set(profile, { key, fit });
  return fit;
}
