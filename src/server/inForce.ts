import { defaultActivationBits } from "../core/hardware/allowedBits.ts";
import type { ActivationBits, Bits, Budgets, HardwareProfile, Resource } from "../core/hardware/profile.ts";
import { DeviceFit } from "../core/pipeline/deviceFit.ts";
import type { PreparedModel } from "../core/pipeline/prepare.ts";
import { type DropLimit, dropLimitOf, maxDropFraction } from "../core/pipeline/settings.ts";
import { valueBits } from "../core/pipeline/valueBits.ts";
import type { Strategy } from "../core/plan/types.ts";
import type { ServerSettings } from "../protocol/requests.ts";
import { pinsOf, planBits } from "./displayed.ts";
import type { SessionState } from "./sessionState.ts";

/** The profile's limits, under those that are being tried. */
export function limitsInForce({ profile, whatIf }: SessionState): Budgets {
  const limits: Partial<Record<Resource, number>> = { ...profile?.limits };
  for (const [resource, limit] of whatIf) {
    if (limit === null) delete limits[resource];
    else limits[resource] = limit;
  }
  return limits;
}

/** Bits that the plan pins, of layers that the model has. */
export function pinsInForce({ plan, layers }: SessionState): ReadonlyMap<string, Bits | null> {
  if (!plan) return new Map();
  const pinned = pinsOf(plan.plan);
  const known = new Set(layers.map(({ name }) => name));
  return new Map([...planBits(plan.plan)].filter(([name]) => pinned.has(name) && known.has(name)));
}

/**
 * Activation bits that the plan gives its layers, as far as the device has them; undefined where all are the usual ones, or the plan
 * is for another device: they were chosen for what that one is good at.
 */
export function activationBitsInForce(
  { plan, profile: active }: SessionState,
  profile: HardwareProfile,
): ReadonlyMap<string, ActivationBits> | undefined {
  if (plan?.plan.profile !== active?.ref) return undefined;
  const own = new Map(
    plan?.plan.layers.flatMap(({ name, activationBits: bits }) =>
      bits !== null && profile.activationBits.includes(bits) ? [[name, bits] as const] : [],
    ),
  );
  const usual = defaultActivationBits(profile);
  return [...own.values()].some((bits) => bits !== usual) ? own : undefined;
}

export function strategyInForce({ choices }: SessionState, settings: ServerSettings): Strategy {
  return choices.strategy ?? settings.strategy;
}

export function dropLimitInForce({ choices, profile }: SessionState): DropLimit | undefined {
  if (choices.dropLimit === null) return undefined;
  return choices.dropLimit ?? (profile && dropLimitOf(profile.profile));
}

/** The limit as a fraction, of the float model's accuracy where that was measured. */
export function maxDropInForce(state: SessionState): number | undefined {
  const limit = dropLimitInForce(state);
  const float = state.decided?.result.baselines.find((b) => b.accuracy)?.accuracy?.float;
  return limit && maxDropFraction(limit, float ?? 1);
}

/** The model on the device, with these pins, under the limits in force. */
export function fitWith(
  state: SessionState,
  prepared: PreparedModel,
  profile: HardwareProfile,
  pins: ReadonlyMap<string, Bits | null>,
): DeviceFit {
  const own = activationBitsInForce(state, profile);
  return new DeviceFit({
    prepared,
    profile,
    limits: limitsInForce(state),
    pins,
    skipped: state.skipped,
    weightsOnly: false,
    ...(own && { activationBits: valueBits(prepared, own) }),
  });
}
