import type { Bits, Resource } from "../../core/hardware/profile.ts";
import type { DeviceFit } from "../../core/pipeline/deviceFit.ts";
import { budgetFields } from "../profileEdits.ts";
import { budgetField } from "./budgetText.ts";
import type { ModelOnDevice } from "./onDevice.ts";

/** Another unit that a budget may have been written in, and what turns the number into the field's unit. */
interface Slip {
  readonly unit: string;
  readonly factor: number;
}

const memory: readonly Slip[] = [
  { unit: "bytes", factor: 1 / 1024 },
  { unit: "MiB", factor: 1024 },
];
const slips: Readonly<Record<Resource, readonly Slip[]>> = {
  weightMemory: memory,
  activationMemory: memory,
  latency: [
    { unit: "µs", factor: 1e-3 },
    { unit: "s", factor: 1e3 },
  ],
  // Nobody counts an inference in nanojoules.
  energy: [
    { unit: "mJ", factor: 1e3 },
    { unit: "J", factor: 1e6 },
  ],
  bops: [
    { unit: "bit operations", factor: 1e-6 },
    { unit: "G", factor: 1e3 },
  ],
};

/** So much more or less than a model takes at any bits is no tight or roomy budget any more. Our choice. */
const far = 20;
/** A budget in the right unit leaves at most so much room over what the model takes at its widest. Our choice. */
const roomy = 4;

/** What a budget would be in the unit that it was likely written in. */
export interface MeantBudget {
  readonly unit: string;
  /** In the unit of the budget's field. */
  readonly value: number;
  /** The budget as written, over the most that the model takes; below 1 it is too small. */
  readonly times: number;
}

/** The budget that was likely meant where the written one is a thousand times off for a model; undefined where it is not. */
export function meantBudget({ device, fit }: ModelOnDevice, resource: Resource): MeantBudget | undefined {
  const budgets = device.profile.budgets as Readonly<Record<string, number | undefined>>;
  const written = budgets[budgetField(resource)];
  const uses = usesOf(fit).get(resource);
  if (written === undefined || !uses || uses.least <= 0) return undefined;
  const { perUnit } = budgetFields[resource];
  const [least, most] = [uses.least * perUnit, uses.most * perUnit];
  if (written >= least / far && written <= most * far) return undefined;
  const found = slips[resource].find(({ factor }) => written * factor >= least && written * factor <= most * roomy);
  if (!found) return undefined;
  return { unit: found.unit, value: Number((written * found.factor).toPrecision(6)), times: written / most };
}

interface Uses {
  readonly least: number;
  readonly most: number;
}

/** All layers of a model are added up twice for it, which would be felt at each key for one of thousands. */
const known = new WeakMap<DeviceFit, ReadonlyMap<Resource, Uses>>();

/** What a model takes with the narrowest and with the widest bits of each layer. */
function usesOf(fit: DeviceFit): ReadonlyMap<Resource, Uses> {
  const there = known.get(fit);
  if (there) return there;
  const at = (pick: (bits: readonly Bits[]) => Bits | undefined) =>
    fit.budgets(new Map(fit.table.layers.map(({ name }) => [name, pick(fit.bitsOf(name)) ?? null])));
  const widest = at((bits) => bits.at(-1));
  const uses = new Map<Resource, Uses>();
  for (const [index, { name, use }] of at(([first]) => first).entries()) {
    const wide = widest[index]?.use;
    // Wider bits are the cheaper ones on some devices.
    if (use !== undefined && wide !== undefined)
      uses.set(name, { least: Math.min(use, wide), most: Math.max(use, wide) });
  }
  known.set(fit, uses);
  return uses;
}
