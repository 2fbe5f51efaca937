import type { BudgetUse } from "../../src/core/plan/types.ts";

/** A unit in which a column or a gauge shows all its values: value / size, with the label. */
export interface Scale {
  readonly label: string;
  readonly size: number;
}

const byteScales: readonly Scale[] = [
  { label: "GiB", size: 2 ** 30 },
  { label: "MiB", size: 2 ** 20 },
  { label: "KiB", size: 2 ** 10 },
  { label: "B", size: 1 },
];

/** Milliseconds down to a tenth, then microseconds (DESIGN-NOTES 7). */
const secondScales: readonly Scale[] = [
  { label: "s", size: 1 },
  { label: "ms", size: 1e-3 },
  { label: "µs", size: 1e-6 },
];
const smallestMs = 1e-4;

const jouleScales: readonly Scale[] = [
  { label: "mJ", size: 1e-3 },
  { label: "µJ", size: 1e-6 },
];

const countScales: readonly Scale[] = [
  { label: "T", size: 1e12 },
  { label: "G", size: 1e9 },
  { label: "M", size: 1e6 },
  { label: "k", size: 1e3 },
  { label: "", size: 1 },
];

/** The one unit for values up to `largest`, such that it is at least 1 in it. */
export function scaleFor(unit: BudgetUse["unit"], largest: number): Scale {
  switch (unit) {
    case "B":
      return pick(byteScales, largest);
    case "s":
      return largest >= smallestMs && largest < 1 ? scaleAt(secondScales, 1) : pick(secondScales, largest);
    case "J":
      return pick(jouleScales, largest);
    case "bitops":
      return pick(countScales, largest);
  }
}

/** Counts are exact below this (DESIGN-NOTES 7). */
export const exactBelow = 100_000;

/**
 * The unit of a column of counts: exact while the largest is below 100,000, else the unit in which it is, with room for layers
 * that are a thousand times smaller: 11,796,480 is 11,796.5 k, where 11.8 M would show most layers as 0.0.
 */
export function columnCountScale(largest: number): Scale {
  return countScales.findLast((scale) => largest / scale.size < exactBelow) ?? scaleAt(countScales, 0);
}

function pick(scales: readonly Scale[], largest: number): Scale {
  return scales.find((scale) => largest >= scale.size) ?? scaleAt(scales, scales.length - 1);
}

function scaleAt(scales: readonly Scale[], i: number): Scale {
  return scales[i] ?? { label: "", size: 1 };
}

/** Decimals that show `largest` with three figures, for a whole column: 0.234 has 3, 13.2 has 1, 208 has 0. */
export function threeFigureDecimals(largest: number): number {
  if (!(largest > 0)) return 0;
  return Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(largest))));
}
