import type { Comparison } from "../../src/protocol/editor.ts";

/** Two-sided 95 % of the normal distribution. */
const z95 = 1.959964;

/**
 * Half width of the 95 % interval of the difference of two accuracies on the same samples, as a fraction. The samples are paired, so
 * only those that changed sides count: sd = sqrt(b + c - (b - c)^2 / n) / n (McNemar's design; Agresti, Categorical Data Analysis, 11.1).
 */
export function pairedInterval(changed: NonNullable<Comparison["changed"]>): number | undefined {
  const { rightToWrong: b, wrongToRight: c, samples: n } = changed;
  if (n <= 0) return undefined;
  return (z95 * Math.sqrt(Math.max(0, b + c - (b - c) ** 2 / n))) / n;
}
