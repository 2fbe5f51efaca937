// How fast the statistics of weights are: against a straightforward implementation with Math.round, and against
// reading and summing the same weights once per bitwidth, which is about what memory and one addition a weight allow.
// All three in this process, in turns, in CPU time, the fastest run of each: other load on the machine then hardly
// matters.
import type { Bits } from "../../src/core/hardware/profile.ts";
import { weightStatistics } from "../../src/core/sensitivity/weightStatistics.ts";
import type { Benchmark } from "../lib/benchmark.ts";
import { markdownTable, millis, times } from "../lib/table.ts";
import { cpuOf } from "../lib/timing.ts";
import { bellShaped } from "../lib/weights.ts";

const leastFaster = 5;
const leastOfSumming = 0.5;

/** Milliseconds spent on each layer and implementation; the shortest run counts. */
const budgetMs = 600;
const fewestRuns = 7;
const bits: readonly Bits[] = [2, 3, 4, 5, 6, 7, 8];

/**
 * Layers by shape and channel axis: a large and a middling convolution, depthwise, pointwise, a MatMul with channels
 * last.
 */
const layers: readonly { readonly name: string; readonly shape: readonly number[]; readonly axis: number }[] = [
  { name: "conv 3x3, 512 to 512", shape: [512, 512, 3, 3], axis: 0 },
  { name: "conv 3x3, 128 to 128", shape: [128, 128, 3, 3], axis: 0 },
  { name: "depthwise 3x3, 960", shape: [960, 1, 3, 3], axis: 0 },
  { name: "conv 1x1, 960 to 320", shape: [320, 960, 1, 1], axis: 0 },
  { name: "MatMul 768 to 3072", shape: [768, 3072], axis: 1 },
];

/** The textbook: sigma in two passes; per bitwidth and channel a min-max scale, Math.round, saturation, squared error. */
function straightforward(w: Float32Array, channels: number, perChannel: number, channelLast: boolean): Float64Array {
  let sum = 0;
  for (let i = 0; i < w.length; i++) sum += w[i] as number;
  const mean = sum / w.length;
  let squares = 0;
  for (let i = 0; i < w.length; i++) squares += ((w[i] as number) - mean) * ((w[i] as number) - mean);
  const result = Float64Array.of(Math.sqrt(squares / w.length), ...bits);
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i] as Bits;
    let noise = 0;
    for (let c = 0; c < channels; c++) {
      noise += channelLast ? rowNoise(w, c, channels, perChannel, b) : rowNoise(w, c * perChannel, 1, perChannel, b);
    }
    result[i + 1] = noise / w.length;
  }
  return result;
}

function rowNoise(w: Float32Array, from: number, step: number, count: number, b: Bits): number {
  const lowest = -(1 << (b - 1));
  const highest = -lowest - 1;
  let min = 0;
  let max = 0;
  for (let i = 0, at = from; i < count; i++, at += step) {
    const v = w[at] as number;
    if (v < min) min = v;
    if (v > max) max = v;
  }
  const scale = Math.fround(Math.max(max / highest, min / lowest));
  let noise = 0;
  for (let i = 0, at = from; i < count; i++, at += step) {
    const v = w[at] as number;
    const q = Math.max(lowest, Math.min(highest, Math.round(v / scale)));
    const error = v - q * scale;
    noise += error * error;
  }
  return noise;
}

function sumPerBitwidth(w: Float32Array): number {
  let sum = 0;
  for (let b = 0; b < bits.length; b++) {
    for (let i = 0; i < w.length; i++) sum += w[i] as number;
  }
  return sum;
}

/** Milliseconds of CPU time, and how many weights they were for. */
interface Times {
  readonly ours: number;
  readonly plain: number;
  readonly sum: number;
  readonly weights: number;
}

/** Sigma, KL divergence, SQNR and MSE of weights, on one core. */
export const weightStatisticsSpeed: Benchmark = async (detail) => {
  const all = layers.map((layer) => [layer.name, measure(layer)] as const);
  const total = all
    .map(([, each]) => each)
    .reduce((a, b) => ({
      ours: a.ours + b.ours,
      plain: a.plain + b.plain,
      sum: a.sum + b.sum,
      weights: a.weights + b.weights,
    }));
  const head = ["layer", "weights", "time, all bitwidths", "M weights x bitwidths / s", "to Math.round", "to summing"];
  const line = (name: string, { ours, plain, sum, weights }: Times) => [
    name,
    `${weights}`,
    millis(ours),
    ((weights * bits.length) / ours / 1e3).toFixed(0),
    times(plain / ours),
    (sum / ours).toFixed(2),
  ];
  const lines = all.map(([name, each]) => line(name, each));
  detail(markdownTable(head, [...lines, line("all", total)], [1, 2, 3, 4, 5]));
  const faster = total.plain / total.ours;
  const ofSumming = total.sum / total.ours;
  const what = `Weight statistics of ${(total.weights / 1e6).toFixed(1)} M weights at ${bits[0]} to ${bits.at(-1)} bits`;
  return [
    {
      what: `${what}, one core`,
      bar: `${leastFaster}x a straightforward Math.round`,
      measured: times(faster),
      met: faster >= leastFaster,
    },
    {
      what: `${what}, one core`,
      bar: "half of the speed of summing the weights once per bitwidth",
      measured: ofSumming.toFixed(2),
      met: ofSumming >= leastOfSumming,
    },
  ];
};

/** All three in turns, the fastest run of each. @throws when the two implementations find different figures */
function measure({ name, shape, axis }: (typeof layers)[number]): Times {
  const w = bellShaped(shape.reduce((a, b) => a * b, 1));
  const channels = shape[axis] as number;
  const inner = w.length / channels;
  const ours = () => weightStatistics(w, shape, axis, bits);
  const plain = () => straightforward(w, channels, inner, axis > 0);
  const found = ours();
  const [sigma, ...mse] = plain();
  for (const [i, expected] of [sigma, ...mse].entries()) {
    const actual = i === 0 ? found.sigma : (found.errors[i - 1]?.mse ?? Number.NaN);
    if (!(Math.abs(actual - (expected as number)) <= 1e-6 * (expected as number))) {
      throw new Error(`${name}: ${actual} instead of ${expected}`);
    }
  }
  const best = { ours: Infinity, plain: Infinity, sum: Infinity, weights: w.length };
  let spent = 0;
  for (let run = 0; run < fewestRuns || spent < budgetMs; run++) {
    const [sum, own, textbook] = [cpuOf(() => sumPerBitwidth(w)), cpuOf(ours), cpuOf(plain)];
    best.sum = Math.min(best.sum, sum);
    best.ours = Math.min(best.ours, own);
    best.plain = Math.min(best.plain, textbook);
    spent += sum + own + textbook;
  }
  return best;
}
