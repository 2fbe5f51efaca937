import { SigmaQuantError } from "../errors.ts";
import { allBits } from "../hardware/bitPairs.ts";
import type { ActivationBits, Bits, HardwareProfile } from "../hardware/profile.ts";
import type { Strategy } from "../plan/types.ts";
import type { RecoveryMethod } from "../recovery/methods.ts";
import type { RangeChoice } from "./activationRanges.ts";

/**
 * Samples that sensitivities are measured on. Our choice: the ranking of layers settles at some hundred, and the time grows
 * with every one.
 */
export const defaultSensitivitySamples = 256;

/** Samples that activations' ranges are found on; statistics settle sooner than sensitivities, but they are cheap. */
export const defaultCalibrationSamples = 512;

/** Made-up samples, where there are no real ones: they rank layers roughly whatever their number. Our choice. */
export const defaultSyntheticSamples = 64;

/** Samples in one run: enough to amortize a run's overhead, small enough for images of 224 x 224. Our choice. */
export const defaultBatch = 64;

/** Largest loss of accuracy that is accepted: absolute, in points, or relative to the float model's accuracy, in percent. */
export type DropLimit = { readonly points: number } | { readonly percent: number };

/** The limit of a profile, if it has one. */
export function dropLimitOf(profile: HardwareProfile): DropLimit | undefined {
  const { maxDropPoints, maxDropPercent } = profile.accuracy;
  if (maxDropPoints !== undefined) return { points: maxDropPoints };
  return maxDropPercent === undefined ? undefined : { percent: maxDropPercent };
}

/** The limit as a fraction of all samples. @param float accuracy of the float model, a fraction */
export function maxDropFraction(limit: DropLimit, float: number): number {
  return "points" in limit ? limit.points / 100 : (limit.percent / 100) * float;
}

/**
 * A limit as written on a command line: "1%" is relative to float accuracy, "1points", "1pt" or "1" is absolute.
 * @throws SQ1021
 */
export function parseDropLimit(text: string): DropLimit {
  const match = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*(%|points?|pts?|p)?\s*$/i.exec(text);
  const value = Number(match?.[1]);
  if (!match || !(value >= 0 && value <= 100)) {
    throw new SigmaQuantError("SQ1021", "drop-malformed", `${JSON.stringify(text)} is no loss of accuracy`, {
      remedy: "Write 1% (of the float model's accuracy) or 1points (absolute)",
    });
  }
  return match[2] === "%" ? { percent: value } : { points: value };
}

/** @throws SQ1022 */
export function parseStrategy(text: string): Strategy {
  if (text === "sigmaquant" || text === "exact") return text;
  const bits = allBits.find((b) => text === `uniform:${b}`);
  if (bits !== undefined) return `uniform:${bits}`;
  throw new SigmaQuantError("SQ1022", "unknown-strategy", `${JSON.stringify(text)} is no strategy`, {
    remedy: "Choose sigmaquant (the two-phase search), exact (the solver alone) or uniform:N with N from 2 to 8",
  });
}

/** `2,4,8` as bits, ascending, each once. @throws SQ1023 */
export function parseBits(text: string): readonly Bits[] {
  const parts = text.split(",").map((part) => part.trim());
  const bits = parts.map((part) => allBits.find((b) => String(b) === part));
  if (bits.some((b) => b === undefined)) {
    throw new SigmaQuantError("SQ1023", "bits-malformed", `${JSON.stringify(text)} is no list of bitwidths`, {
      remedy: "Write bitwidths from 2 to 8 with commas between them, such as 2,4,8",
    });
  }
  return allBits.filter((b) => bits.includes(b));
}

/** What a run does, completed with the defaults. */
export interface RunSettings {
  readonly strategy: Strategy;
  /** Weight bits to choose from; those of the device where absent. */
  readonly bits?: readonly Bits[];
  readonly dropLimit?: DropLimit;
  readonly weightsOnly: boolean;
  readonly activationRange: RangeChoice;
  /** Activation bits by activation, where the device has several: see mixActivations. */
  readonly mixActivations?: boolean;
  /** Activation bits that a plan gives its layers, where they are not the device's usual ones; nothing is searched then. */
  readonly activationBits?: ReadonlyMap<string, ActivationBits>;
  readonly sensitivitySamples: number;
  readonly calibrationSamples: number;
  readonly batch: number;
  readonly threads?: number;
  /** What makes up for rounding, without training; empty = weights go to their nearest integers. */
  readonly recovery: ReadonlySet<RecoveryMethod>;
  /** Layers fixed by hand: bits, or null to keep one in float. */
  readonly pins: ReadonlyMap<string, Bits | null>;
  /** Layers that can't be run: they are not measured, and stay in float unless they are pinned. */
  readonly skipped?: ReadonlySet<string>;
}
