import { parseArgs } from "node:util";
import type { Bits } from "../../src/core/hardware/profile.ts";
import { parseBits } from "../../src/core/pipeline/settings.ts";
import { parseRecovery, type RecoveryMethod } from "../../src/core/recovery/methods.ts";

export interface BenchOptions {
  readonly data: string;
  /** Names of model files without ending; all without it. */
  readonly models: readonly string[] | undefined;
  /** Weight memories to compare at: that of uniform n bits; between two of them for fractions. */
  readonly memories: readonly number[];
  readonly strategies: readonly StrategyName[];
  readonly samples: number;
  readonly calibration: number;
  readonly seeds: readonly number[];
  readonly bits: readonly Bits[];
  /** Activations in 8 bits too, else weights only. */
  readonly activations: boolean;
  /** Sets of methods to compare; the empty one is rounding to the nearest. */
  readonly recoveries: readonly ReadonlySet<RecoveryMethod>[];
  readonly threads: number | undefined;
  readonly json: string | undefined;
}

export const strategyNames = ["uniform", "sigma", "kl", "exact", "phase-1", "two-phase"] as const;
export type StrategyName = (typeof strategyNames)[number];

export const usage = `usage: node bench/run.mjs accuracy/main DATA [options]     (or SIGMAQUANT_BENCH_DATA instead of DATA)
DATA holds models.json ([{ "model": "a/b.onnx", "evaluation": "a/evaluation.npz" }]), and beside each model calibration.npz
  --models NAME,..       only these (file names without ending)
  --memory 4,3.5,3,2.5,2 weight memories to compare at: those of uniform bits, or between two of them
  --strategies NAME,..   ${strategyNames.join(",")}
  --samples 5000         labelled samples, none of them calibrated on
  --calibration 256      samples for Hessians and sensitivities
  --seeds 1,2,3          of the calibration samples
  --bits 2,3,4,5,6,8     bits to choose from
  --recovery LIST        sets of methods to compare, with ; between them: "none;default", "none;clip,bias;gptq"
  --activations          activations in 8 bits (weights only without it)
  --threads N            of ONNX Runtime
  --json FILE            all figures, one object a row`;

/** @throws what a malformed option throws */
export function benchOptions(args: readonly string[], environment: string | undefined): BenchOptions | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      models: { type: "string" },
      memory: { type: "string", default: "4,3.5,3,2.5,2" },
      strategies: { type: "string", default: strategyNames.join(",") },
      samples: { type: "string", default: "5000" },
      calibration: { type: "string", default: "256" },
      seeds: { type: "string", default: "1" },
      bits: { type: "string", default: "2,3,4,5,6,8" },
      recovery: { type: "string", default: "none;default" },
      activations: { type: "boolean", default: false },
      threads: { type: "string" },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const data = positionals[0] ?? environment;
  if (data === undefined || values.help) return undefined;
  return {
    data,
    models: values.models?.split(","),
    memories: values.memory.split(",").map(Number),
    strategies: strategyNames.filter((name) => values.strategies.split(",").includes(name)),
    samples: Number(values.samples),
    calibration: Number(values.calibration),
    seeds: values.seeds.split(",").map(Number),
    bits: parseBits(values.bits),
    activations: values.activations,
    recoveries: values.recovery.split(";").map(parseRecovery),
    threads: values.threads === undefined ? undefined : Number(values.threads),
    json: values.json,
  };
}
