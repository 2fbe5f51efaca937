import { applyEdits, type JSONPath, modify } from "jsonc-parser";
import type { Bits, Resource } from "../core/hardware/profile.ts";

/** Field and unit of each budget in a profile. */
export const budgetFields: Readonly<Record<Resource, { readonly field: string; readonly perUnit: number }>> = {
  weightMemory: { field: "weightMemoryKiB", perUnit: 1 / 1024 },
  activationMemory: { field: "activationMemoryKiB", perUnit: 1 / 1024 },
  latency: { field: "latencyMs", perUnit: 1e3 },
  energy: { field: "energyUj", perUnit: 1e6 },
  bops: { field: "bopsM", perUnit: 1e-6 },
};

/** Figures in a profile are for people: six digits, more would be noise of the conversion. */
export const profileDigits = 6;

/** A profile's text with other budgets; comments and layout stay. null takes a budget out. */
export function withBudgets(text: string, budgets: ReadonlyMap<Resource, number | null>): string {
  let edited = text;
  for (const [resource, limit] of budgets) {
    const { field, perUnit } = budgetFields[resource];
    const value = limit === null ? undefined : Number((limit * perUnit).toPrecision(profileDigits));
    edited = edit(edited, ["budgets", field], value);
  }
  return edited;
}

export function withWeightBits(text: string, bits: readonly Bits[]): string {
  return edit(text, ["weightBits"], bits);
}

/** @param maxDrop a fraction; null takes the target out */
export function withMaxDrop(text: string, maxDrop: number | null): string {
  const without = edit(text, ["accuracy", "maxDropPercent"], undefined);
  const points = maxDrop === null ? undefined : Number((maxDrop * 100).toPrecision(profileDigits));
  return edit(without, ["accuracy", "maxDropPoints"], points);
}

function edit(text: string, path: JSONPath, value: unknown): string {
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const indent = /^([ \t]+)"/m.exec(text)?.[1] ?? "  ";
  const formattingOptions = { insertSpaces: !indent.includes("\t"), tabSize: indent.length, eol };
  return applyEdits(text, modify(text, path, value, { formattingOptions }));
}
