import type { Bits } from "../hardware/profile.ts";

/** Error of one weight tensor quantized to b bits, against its float self. */
export interface WeightError {
  readonly bits: Bits;
  /** KL divergence between the histograms of float and quantized weights, nats. */
  readonly kl: number;
  /** Signal to quantization-noise ratio, dB. Infinity when exact. */
  readonly sqnrDb: number;
  /** Mean squared error, in the weights' own unit squared. */
  readonly mse: number;
}

/** What the weights alone say of a layer; no data needed. */
export interface WeightStatistics {
  /** Standard deviation of all weights of the layer. */
  readonly sigma: number;
  readonly min: number;
  readonly max: number;
  readonly errors: readonly WeightError[];
}

/**
 * How a measured sensitivity was got. "kl": KL of the softmax of the first output, nats; "nmse": error energy over signal energy of the outputs
 * (SQNR in dB is -10 log10 of it); "loss": increase of the cross-entropy against the labels, nats.
 */
export type SensitivityMetric = "kl" | "nmse" | "loss";

/** What a change to the network does to its output, by each metric. */
export interface Measurement {
  readonly kl?: number;
  readonly nmse: number;
  readonly loss?: number;
}

/** Per layer name and bits: the harm of quantizing that one layer, 0 = none. */
export interface SensitivityTable {
  readonly metric: SensitivityMetric;
  readonly samples: number;
  /** True when the samples are made up: ranks layers, predicts no accuracy. Shown as `~`. */
  readonly synthetic: boolean;
  readonly byLayer: Readonly<Record<string, Readonly<Partial<Record<Bits, number>>>>>;
}
