import { SigmaQuantError } from "../errors.ts";
import { allowedBits } from "../hardware/allowedBits.ts";
import type { Bits, HardwareProfile } from "../hardware/profile.ts";
import type { Layer } from "../model/layer.ts";

/** Layers that get the same bits, and the bits to choose from, ascending, at least one. */
export interface DecisionGroup {
  readonly layers: readonly string[];
  readonly bits: readonly Bits[];
}

export interface Decisions {
  /** What is left to decide, in the order of each group's first layer. */
  readonly groups: readonly DecisionGroup[];
  /** Bits of every other layer: its pin, or null where it stays in float. */
  readonly fixed: ReadonlyMap<string, Bits | null>;
  /** Names in `sharing` that are no layer of the model, for a warning: one profile serves many models. */
  readonly unmatched: readonly string[];
}

/**
 * Divides a model's layers into decisions.
 *
 * Lists of `sharing` that have a layer in common are one group. A layer that stays in float (it can't be quantized, or
 * the device has no bits for it) is in no group. A group may have the bits that all its layers may have; a pin on one
 * of its layers pins them all. A pin may go beyond `candidates`, which narrow the search, but not beyond the device.
 *
 * @param candidates bits to choose from (`--bits 2,4,8`); undefined = all of the device's
 * @param pins bits fixed by hand, by layer name; null = kept in float
 * @param sharing lists of layer names that share their bits (`sharedBits.groups`, `residualGroups`)
 * @throws SigmaQuantError SQ5001 (a pin names no layer), SQ5201 (a pin on a layer that stays in float), SQ5202 (the
 * device has no such bits), SQ5203 (two pins in one group differ), SQ5204 (no bits suit all layers of a group)
 */
export function decisionsOf(
  layers: readonly Layer[],
  profile: HardwareProfile,
  candidates: readonly Bits[] | undefined,
  pins: ReadonlyMap<string, Bits | null>,
  sharing: readonly (readonly string[])[],
): Decisions {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  for (const [name, bits] of pins) checkPin(name, bits, byName.get(name), profile);
  const fixed = new Map<string, Bits | null>();
  const free: Layer[] = [];
  for (const layer of layers) {
    const undecided = pins.has(layer.name)
      ? allowedBits(layer, profile).length > 0
      : allowedBits(layer, profile, candidates).length > 0;
    if (undecided) free.push(layer);
    else fixed.set(layer.name, null);
  }
  const groups: DecisionGroup[] = [];
  for (const members of united(free, sharing)) {
    const pin = pinOf(members, pins);
    if (pin === undefined) {
      const bits = commonBits(members, profile, candidates);
      groups.push({ layers: members.map((layer) => layer.name), bits });
      continue;
    }
    for (const layer of members) {
      if (pin.bits !== null && !allowedBits(layer, profile).includes(pin.bits)) {
        throw unsupportedPin(pin.layer, pin.bits, layer, profile);
      }
      fixed.set(layer.name, pin.bits);
    }
  }
  return { groups, fixed, unmatched: [...new Set(sharing.flat().filter((name) => !byName.has(name)))] };
}

function checkPin(name: string, bits: Bits | null, layer: Layer | undefined, profile: HardwareProfile): void {
  if (layer === undefined) {
    throw new SigmaQuantError("SQ5001", "unknown-layer", `The model has no layer ${name}`, {
      remedy: "Compare the plan's layer names with those of `sigmaquant inspect`",
      place: { item: name },
    });
  }
  if (bits === null) return;
  const supported = allowedBits(layer, profile);
  if (supported.length === 0) {
    const reason = layer.floatReason ?? `${profile.name} runs ${layer.opType} in float`;
    throw new SigmaQuantError(
      "SQ5201",
      "pin-in-float",
      `${name} is pinned to ${bits} bits but stays in float: ${reason}`,
      {
        remedy: "Remove the pin, or set its weightBits to null",
        place: { item: name },
      },
    );
  }
  if (!supported.includes(bits)) throw unsupportedPin(name, bits, layer, profile);
}

function unsupportedPin(pinned: string, bits: Bits, layer: Layer, profile: HardwareProfile): SigmaQuantError {
  const supported = allowedBits(layer, profile).join(", ");
  const shares = layer.name === pinned ? "" : `, and ${layer.name}, which shares its bits, can't have them`;
  return new SigmaQuantError(
    "SQ5202",
    "pin-unsupported",
    `${pinned} is pinned to ${bits} bits${shares}: on ${profile.name}, ${layer.opType} has ${supported}`,
    { remedy: `Choose one of ${supported}, or remove the pin`, place: { item: pinned } },
  );
}

/** The pin of a group and the layer that has it; undefined without one. */
function pinOf(
  members: readonly Layer[],
  pins: ReadonlyMap<string, Bits | null>,
): { readonly layer: string; readonly bits: Bits | null } | undefined {
  let found: { readonly layer: string; readonly bits: Bits | null } | undefined;
  for (const { name } of members) {
    const bits = pins.get(name);
    if (bits === undefined) continue;
    if (found === undefined) found = { layer: name, bits };
    else if (found.bits !== bits) {
      const [first, second] = [found.bits ?? "float", bits ?? "float"];
      throw new SigmaQuantError(
        "SQ5203",
        "pins-conflict",
        `${found.layer} and ${name} share their bits but are pinned to ${first} and ${second}`,
        { remedy: "Pin both to the same bits, or remove one of the pins", place: { item: name } },
      );
    }
  }
  return found;
}

/** Bits that every layer of a group may have, ascending. */
function commonBits(
  members: readonly Layer[],
  profile: HardwareProfile,
  candidates: readonly Bits[] | undefined,
): readonly Bits[] {
  let common: readonly Bits[] | undefined;
  for (const layer of members) {
    const own = allowedBits(layer, profile, candidates);
    const rest = common?.filter((bits) => own.includes(bits)) ?? own;
    if (rest.length === 0) {
      const first = members[0]?.name;
      throw new SigmaQuantError(
        "SQ5204",
        "no-shared-bits",
        `${first} and ${layer.name} share their bits, but none suit both: ${common?.join(", ")} against ${own.join(", ")}`,
        { remedy: "Allow more bits, or take one of the layers out of sharedBits", place: { item: layer.name } },
      );
    }
    common = rest;
  }
  return (common ?? []).toSorted((a, b) => a - b);
}

/** Layers joined by the lists they appear in (union-find), in model order. */
function united(layers: readonly Layer[], sharing: readonly (readonly string[])[]): readonly (readonly Layer[])[] {
  const parent = new Map(layers.map((layer) => [layer.name, layer.name]));
  const root = (name: string): string => {
    let at = name;
    for (let up = parent.get(at); up !== undefined && up !== at; up = parent.get(at)) at = up;
    return at;
  };
  for (const list of sharing) {
    const members = list.filter((name) => parent.has(name));
    for (const name of members.slice(1)) parent.set(root(name), root(members[0] as string));
  }
  const groups = new Map<string, Layer[]>();
  for (const layer of layers) {
    const key = root(layer.name);
    const group = groups.get(key);
    if (group) group.push(layer);
    else groups.set(key, [layer]);
  }
  return [...groups.values()];
}
