import type { Bits, HardwareProfile } from "../../core/hardware/profile.ts";
import type { DeviceFit } from "../../core/pipeline/deviceFit.ts";
import type { PreparedModel } from "../../core/pipeline/prepare.ts";

interface Kept {
  readonly pins: string;
  readonly fit: DeviceFit;
}

/** The last fit of each model on each device; both are never changed, only replaced. */
const kept = new WeakMap<PreparedModel, WeakMap<HardwareProfile, Kept>>();

/**
 * A model's costs on a device, computed once for the same pins: of thousands of layers they take longer than all that is done with them
 * while bits are typed. @param make is not asked where a fit is there already; what it throws is not kept
 */
export function cachedFit(
  prepared: PreparedModel,
  profile: HardwareProfile,
  pins: ReadonlyMap<string, Bits | null>,
  make: () => DeviceFit,
): DeviceFit {
  const devices = kept.get(prepared) ?? new WeakMap<HardwareProfile, Kept>();
  kept.set(prepared, devices);
  const key = JSON.stringify([...pins]);
  const known = devices.get(profile);
  if (known?.pins === key) return known.fit;
  const fit = make();
  devices.set(profile, { pins: key, fit });
  return fit;
}
