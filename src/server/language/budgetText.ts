import type { Resource } from "../../core/hardware/profile.ts";
import { grouped } from "../../core/plan/format.ts";
import type { BudgetUse } from "../../core/plan/types.ts";
import { budgetFields } from "../profileEdits.ts";

/** Longest inlay hint; longer ones push code out of sight. (DESIGN-NOTES, section 6) */
export const maxHintLength = 32;

/** Unit of a budget's field, as its hint says it. */
const fieldUnits: Readonly<Record<Resource, string>> = {
  weightMemory: "KiB",
  activationMemory: "KiB",
  latency: "ms",
  energy: "µJ",
  bops: "M",
};

/** An overrun of less than these decimals is of the arithmetic. */
const maxDecimals = 6;

/** `weightMemoryKiB` */
export function budgetField(resource: Resource): string {
  return budgetFields[resource].field;
}

/** The budget of a field in "budgets"; undefined for another name. */
export function resourceOfField(field: string): Resource | undefined {
  const found = Object.entries(budgetFields).find(([, each]) => each.field === field);
  return found?.[0] as Resource | undefined;
}

/** An amount in the unit of the budget's field, as a person would have written it. */
export function inFieldUnit(resource: Resource, value: number): number {
  const exact = value * budgetFields[resource].perUnit;
  if (fieldUnits[resource] === "KiB") {
    // Limits of memory are whole bytes: 0.1 KiB became 102.
    for (let decimals = 0; decimals < maxDecimals; decimals++) {
      const written = Math.ceil(exact * 10 ** decimals) / 10 ** decimals;
      if (Math.floor(written * 1024) === Math.floor(value)) return written;
    }
  }
  return Number(exact.toPrecision(6));
}

/** `17.3 KiB`, `2.81 ms`: an amount of a budget in the unit of its field. */
export function fieldAmount(resource: Resource, value: number): string {
  return `${plainNumber(inFieldUnit(resource, value))} ${fieldUnits[resource]}`;
}

/**
 * `31.2 of 32 KiB, 0.8 left`, `3.65 of 0.5 ms, 3.15 over`: in the unit of the field beside which it stands. Use and margin add
 * up to the limit as shown; a decimal is added where rounding would hide an overrun, or make one.
 * @returns undefined without use or limit
 */
export function budgetHint({ name, use, limit }: BudgetUse): string | undefined {
  if (use === undefined || limit === undefined) return undefined;
  const { perUnit } = budgetFields[name];
  const unit = fieldUnits[name];
  const exactUse = use * perUnit;
  const shownLimit = inFieldUnit(name, limit);
  const over = use > limit;
  let decimals = unit === "KiB" ? 1 : Math.max(0, 2 - Math.floor(Math.log10(Math.max(exactUse, 1e-3))));
  const rounded = () => Number(exactUse.toFixed(decimals));
  while (decimals < maxDecimals && (over ? rounded() <= shownLimit : rounded() > shownLimit)) decimals++;
  const margin = Math.abs(shownLimit - rounded());
  const marginDecimals = Math.max(decimals, decimalsOf(shownLimit));
  const short = `${grouped(rounded(), decimals)} of ${plainNumber(shownLimit)} ${unit}`;
  const long = `${short}, ${grouped(margin, marginDecimals)} ${over ? "over" : "left"}`;
  if (long.length <= maxHintLength) return long;
  return over && short.length + 6 <= maxHintLength ? `${short}, over` : short;
}

/** A number with as many decimals as it has. */
function plainNumber(value: number): string {
  return grouped(value, decimalsOf(value));
}

function decimalsOf(value: number): number {
  return Math.min(maxDecimals, /\.(\d+)$/.exec(String(value))?.[1]?.length ?? 0);
}
