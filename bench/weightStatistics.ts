// How fast the statistics of weights are: against a straightforward implementation with Math.round, and against
// reading and summing the same weights once per bitwidth, which is about what memory and one addition a weight allow.
// All three in this process, in turns, in CPU time, the fastest run of each: other load on the machine then hardly
// matters.
import process from "node:process";
import type { Bits } from "../src/core/hardware/profile.ts";
import { weightStatistics } from "../src/core/sensitivity/weightStatistics.ts";

/** Milliseconds spent on each layer and implementation; the shortest run counts. */
const budgetMs = 600;
const fewestRuns = 7;
const bits: readonly Bits[] = [2, 4, 6, 8];

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

/** Bell-shaped, reproducible: the sum of four uniform numbers of a linear congruential generator. */
function bellShaped(length: number): Float32Array {
  let state = 1;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  return Float32Array.from({ length }, () => uniform() + uniform() + uniform() + uniform());
}

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

/** CPU time, which does not count what other processes take of the machine. */
function milliseconds(run: () => unknown): number {
  const start = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e3;
}

const rows: Record<string, string>[] = [];
const total = { ours: 0, plain: 0, sum: 0, weights: 0 };
for (const { name, shape, axis } of layers) {
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
  const best = { ours: Infinity, plain: Infinity, sum: Infinity };
  let spent = 0;
  for (let run = 0; run < fewestRuns || spent < budgetMs; run++) {
    const [sum, own, textbook] = [milliseconds(() => sumPerBitwidth(w)), milliseconds(ours), milliseconds(plain)];
    best.sum = Math.min(best.sum, sum);
    best.ours = Math.min(best.ours, own);
    best.plain = Math.min(best.plain, textbook);
    spent += sum + own + textbook;
  }
  total.ours += best.ours;
  total.plain += best.plain;
  total.sum += best.sum;
  total.weights += w.length;
  rows.push(row(name, w.length, best));
}
rows.push(row("all", total.weights, total));
console.table(rows);

function row(
  layer: string,
  weights: number,
  { ours, plain, sum }: { readonly ours: number; readonly plain: number; readonly sum: number },
): Record<string, string> {
  return {
    layer,
    weights: String(weights),
    "ms, all bitwidths": ours.toFixed(3),
    "M weights x bitwidths / s": ((weights * bits.length) / ours / 1e3).toFixed(0),
    "x straightforward": (plain / ours).toFixed(2),
    "of the speed of summing": (sum / ours).toFixed(2),
  };
}
