import type { Bits } from "../hardware/profile.ts";

// KL divergence between the histograms of float and of quantized weights. The paper publishes neither bins nor
// smoothing; the choices here are ours.
//
// 1. Unit. Weights are counted in steps of their own channel, u = w / scale[c]: then the quantization cells of all
//    channels are the same intervals [q - 1/2, q + 1/2), and what a small-range channel loses is not drowned in a wide
//    one's.
// 2. The quantized histogram. Quantized weights occupy 2^b points; against a finer float histogram nearly all its
//    bins would be empty, and the divergence infinite or, with an epsilon, a measure of the epsilon. As in TensorRT's
//    calibration, each point's mass is spread evenly over the bins of its cell. Where the quantized histogram is 0 the
//    float one is too.
// 3. Smoothing. A raw histogram of n weights differs from the flat cell by sampling noise of about bins / (2 n) nats,
//    which at 8 bits is a hundred times the divergence itself: layers would be ranked by their size. The float
//    histogram is therefore smoothed first, by a kernel as wide as n weights warrant, and the cells are averages of
//    the smoothed histogram.
//
// For a smooth density and steps d well below sigma the result tends to (d^2 / 24) * integral of p'^2 / p; for a
// Gaussian to (d / sigma)^2 / 24, half the noise-to-signal ratio.

/**
 * Bins a cell has at least. Our choice: 4 resolve 15/16 of the divergence within it, and more cost time for each
 * layer and bitwidth.
 */
const binsPerCell = 4;
/** Bins at least: where cells are few, a quarter of the sigma of a heavy-tailed layer is then still a bin or two. */
const fewestBins = 256;

/**
 * Bins of the histogram that cellDivergence takes: a multiple of 2^bits, over the cells of all integers from the
 * lowest on.
 */
export function divergenceBins(bits: Bits): number {
  return Math.max(fewestBins, binsPerCell * 2 ** bits);
}

/**
 * Standard deviation of the kernel, in sigmas of the weights: (4/5)^(1/7) n^(-1/7), the normal-reference bandwidth
 * for estimating a density's derivative (Wand and Jones, Kernel Smoothing, 1995), because the derivative is what the
 * divergence within a cell depends on.
 */
function bandwidth(n: number): number {
  return (0.8 / n) ** (1 / 7);
}

/**
 * KL(float || quantized) in nats, >= 0.
 * @param counts weights per bin, [divergenceBins(bits)]
 */
export function cellDivergence(counts: Uint32Array, bits: Bits): number {
  const bins = counts.length;
  let n = 0;
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < bins; i++) {
    const count = counts[i] as number;
    n += count;
    sum += count * i;
    squares += count * i * i;
  }
  if (n === 0) return 0;
  const variance = squares / n - (sum / n) ** 2;
  const density = smoothed(counts, variance * bandwidth(n) ** 2);
  const perCell = bins / 2 ** bits;
  let total = 0;
  let divergence = 0;
  for (let at = 0; at < bins; at += perCell) {
    let cell = 0;
    let own = 0;
    for (let i = at; i < at + perCell; i++) {
      const p = density[i] as number;
      cell += p;
      if (p > 0) own += p * Math.log(p);
    }
    if (cell > 0) divergence += own - cell * Math.log(cell / perCell);
    total += cell;
  }
  return Math.max(0, divergence / total);
}

/**
 * Two passes of a two-sided exponential kernel, each with half of the variance (bins squared): close to a Gaussian,
 * at 8 operations a bin.
 */
function smoothed(counts: Uint32Array, variance: number): Float64Array {
  const density = new Float64Array(counts);
  const half = variance / 2;
  if (!(half > 0)) return density;
  // The kernel a^|k| has the variance 2 a / (1 - a)^2.
  const a = (half + 1 - Math.sqrt(2 * half + 1)) / half;
  for (let pass = 0; pass < 2; pass++) {
    let y = 0;
    for (let i = 0; i < density.length; i++) {
      y = a * y + (1 - a) * (density[i] as number);
      density[i] = y;
    }
    y = 0;
    for (let i = density.length - 1; i >= 0; i--) {
      y = a * y + (1 - a) * (density[i] as number);
      density[i] = y;
    }
  }
  return density;
}
