import type { Tensor } from "../ports.ts";
import { type OutputKind, rowProbabilities } from "./outputs.ts";

// What small noise on the logits z does to a classifier's output is KL ~ 1/2 dz' F dz with the Fisher information
// F = diag(p) - p p' of the softmax. For noise of one size in all directions that is proportional to the trace
// 1 - sum p^2: next to nothing for samples whose class is certain, which in a trained network are most of them. On our
// networks the KL of a sample, averaged over layers and bits, follows it with a correlation of 0.84 to 0.98 (on log
// scales; docs/sensitivity.md). Drawing samples in proportion to it therefore spares the runs that would say nothing.

/**
 * Part of the mean importance that every sample gets on top of its own: samples that the float network is sure of
 * still count where quantization is coarse. Our choice, by measurement: 0.1 is better than 0 at 2 and 3 bits.
 */
const share = 0.1;

/**
 * How much each sample of a run is expected to say of the harm of quantization; any unit. All the same where the output
 * holds no class probabilities, or not one row or more for each sample.
 * @param output the float network's first output
 */
export function sampleImportance(kind: OutputKind, output: Tensor | undefined, samples: number): Float64Array {
  const same = new Float64Array(samples).fill(1);
  const classes = output?.dims.at(-1) ?? 0;
  if (kind === "values" || output === undefined || classes === 0) return same;
  const rows = output.data.length / classes;
  if (rows === 0 || rows % samples !== 0) return same;
  const perSample = rows / samples;
  const probabilities = rowProbabilities(kind, output);
  return Float64Array.from({ length: samples }, (_, sample) => {
    let trace = 0;
    for (let row = sample * perSample; row < (sample + 1) * perSample; row++) {
      let squares = 0;
      for (const p of probabilities(row)) squares += p * p;
      trace += 1 - squares;
    }
    return trace;
  });
}

/** Some samples of a set that stand for all of them. */
export interface WeightedSamples {
  /** Ascending. */
  readonly indices: Uint32Array;
  /** How many samples of the set each of them stands for. */
  readonly weights: Float64Array;
}

/**
 * `count` samples, each with a probability proportional to its importance (at most 1) and weighted by the inverse of that, so that
 * weighted means are those of the whole set: systematic sampling along the sorted importances (Madow 1949), which keeps the
 * weights' sum close to the number of samples. Deterministic: the first sample is the one half a step in.
 * @param importance >= 0, one a sample
 */
export function drawSamples(importance: Float64Array, count: number): WeightedSamples {
  const total = importance.length;
  const mean = importance.reduce((sum, value) => sum + value, 0) / Math.max(total, 1);
  const sizes = mean > 0 ? importance.map((value) => value + share * mean) : new Float64Array(total).fill(1);
  const chances = inclusionChances(sizes, count);
  const order = Array.from(sizes.keys()).sort((a, b) => (sizes[a] as number) - (sizes[b] as number) || a - b);
  const drawn: number[] = [];
  let passed = 0;
  for (const index of order) {
    const next = passed + (chances[index] as number);
    // The last step of a sum of fractions may end a hair short of the whole number.
    if (Math.floor(next + 0.5 + 1e-9) > Math.floor(passed + 0.5 + 1e-9)) drawn.push(index);
    passed = next;
  }
  drawn.sort((a, b) => a - b);
  return {
    indices: Uint32Array.from(drawn),
    weights: Float64Array.from(drawn, (index) => 1 / (chances[index] as number)),
  };
}

/** Proportional to size, at most 1, summing to `count` (or to 1 each where there are no more). */
function inclusionChances(sizes: Float64Array, count: number): Float64Array {
  const chances = new Float64Array(sizes.length).fill(1);
  let open = Array.from(sizes.keys());
  let left = count;
  while (left < open.length) {
    const sum = open.reduce((s, i) => s + (sizes[i] as number), 0);
    const certain = open.filter((i) => (sizes[i] as number) * left >= sum);
    if (certain.length === 0) {
      for (const i of open) chances[i] = ((sizes[i] as number) * left) / sum;
      break;
    }
    const taken = new Set(certain);
    open = open.filter((i) => !taken.has(i));
    left -= certain.length;
  }
  return chances;
}
