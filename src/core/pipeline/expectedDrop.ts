import type { Accuracy, Baseline, Plan } from "../plan/types.ts";

/** Losses below this have no measurable effect; keeps logarithms finite. */
const leastLoss = 1e-6;

interface Known {
  readonly loss: number;
  readonly drop: number;
}

/** A plan that was run: its total sensitivity and what came out. */
type RunPlan = Pick<Plan, "certificate" | "accuracy">;

/**
 * Accuracy expected of a plan by its total sensitivity, from plans whose accuracy was measured or simulated: the uniform
 * baselines and the plans decided so far. Between them it is interpolated over the logarithm of the loss; outside, the
 * nearest holds. More loss never means more accuracy: of points out of order the average is taken (isotonic regression).
 */
export function expectedDrop(
  baselines: readonly Baseline[],
  plans: readonly RunPlan[] = [],
): ((loss: number) => number) | undefined {
  const known: Known[] = [];
  for (const { loss, accuracy } of baselines) {
    if (loss !== undefined && accuracy) known.push({ loss, drop: dropOf(accuracy) });
  }
  for (const { certificate, accuracy } of plans) {
    if (certificate && accuracy) known.push({ loss: certificate.loss, drop: dropOf(accuracy) });
  }
  if (known.length < 2) return undefined;
  const points = monotone(known.toSorted((a, b) => a.loss - b.loss));
  return (loss) => interpolate(points, loss);
}

/**
 * The accuracy expected of a plan by its total sensitivity, in the measure of the runs that it is told from. Undefined where nothing was
 * run that it could be told from.
 * @param loss sum of the plan's sensitivities
 */
export function expectedAccuracy(
  baselines: readonly Baseline[],
  plans: readonly RunPlan[],
  loss: number,
): Accuracy | undefined {
  const reference = baselines.find((baseline) => baseline.accuracy)?.accuracy;
  const expect = expectedDrop(baselines, plans);
  if (!expect || !reference) return undefined;
  const { metric, float, samples, synthetic } = reference;
  const quantized = metric === "nmse" ? expect(loss) : float - expect(loss);
  return { metric, float, quantized, samples, how: "expected", ...(synthetic && { synthetic }) };
}

function dropOf({ metric, float, quantized }: NonNullable<Plan["accuracy"]>): number {
  return metric === "nmse" ? quantized - float : float - quantized;
}

/** Pool adjacent violators. */
function monotone(points: readonly Known[]): Known[] {
  const pools: { losses: number[]; sum: number; count: number }[] = [];
  for (const { loss, drop } of points) {
    pools.push({ losses: [loss], sum: drop, count: 1 });
    for (;;) {
      const [before, last] = pools.slice(-2);
      if (!before || !last || before.sum / before.count <= last.sum / last.count) break;
      pools.splice(-2, 2, {
        losses: [...before.losses, ...last.losses],
        sum: before.sum + last.sum,
        count: before.count + last.count,
      });
    }
  }
  return pools.flatMap(({ losses, sum, count }) => losses.map((loss) => ({ loss, drop: sum / count })));
}

function interpolate(points: readonly Known[], loss: number): number {
  const at = (value: number) => Math.log(Math.max(value, leastLoss));
  const above = points.findIndex((point) => point.loss >= loss);
  if (above < 0) return points.at(-1)?.drop ?? 0;
  const high = points[above] as Known;
  const low = points[above - 1];
  if (low === undefined || at(high.loss) === at(low.loss)) return high.drop;
  const share = (at(loss) - at(low.loss)) / (at(high.loss) - at(low.loss));
  return low.drop + share * (high.drop - low.drop);
}
