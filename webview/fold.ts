/**
 * How the page is laid out, by the width of its container: `narrow` has gauges on one line each and tabs as a dropdown, `small` and
 * `medium` have gauges in two rows and fewer columns, `wide` has all, `broad` has the panel beside the table.
 */
export const folds = ["narrow", "small", "medium", "wide", "broad"] as const;
export type Fold = (typeof folds)[number];

/** Widths in CSS pixels from which each fold holds. */
const from: Readonly<Record<Fold, number>> = { narrow: 0, small: 560, medium: 760, wide: 1080, broad: 1600 };

export function foldOf(width: number): Fold {
  return folds.findLast((fold) => width >= from[fold]) ?? "narrow";
}
