import { assertNever } from "../../core/errors.ts";
import { formatAccuracy, formatPoints } from "../../core/plan/format.ts";
import type { Accuracy } from "../../core/plan/types.ts";

/** `−0.4 points (measured)`, `~98.1 % agreement with float (simulated)`, `accuracy unknown`. */
export function accuracyWords(accuracy: Accuracy | undefined): string {
  if (!accuracy) return "accuracy unknown";
  const { metric, float, quantized, how, synthetic } = accuracy;
  // Made-up samples predict no accuracy; what is told of them is marked.
  const points = metric === "top1" && !synthetic;
  return `${points ? formatPoints(quantized - float) : formatAccuracy(accuracy)} (${how})`;
}

/** Loss of accuracy as a fraction; undefined where the metric has no scale. */
export function dropOf({ metric, float, quantized }: Accuracy): number | undefined {
  switch (metric) {
    case "top1":
    case "agreement":
      return float - quantized;
    case "nmse":
      return undefined;
    default:
      return assertNever(metric);
  }
}
