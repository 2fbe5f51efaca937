import { parseArgs } from "node:util";
import type { Bits } from "../../src/core/hardware/profile.ts";
import { parseBits } from "../../src/core/pipeline/settings.ts";
import { parseRecovery, type RecoveryMethod } from "../../src/core/recovery/methods.ts";

export interface SweepOptions {
  readonly data: string;
  /** Names of model files without ending; all without it. */
  readonly models: readonly string[] | undefined;
  readonly samples: number;
  readonly seed: number;
  readonly bits: readonly Bits[];
  readonly rounds: number;
  /** Weight memories that sweep/mixes looks at: those of uniform n bits, or between two of them. */
  readonly memories: readonly number[];
  readonly recovery: ReadonlySet<RecoveryMethod>;
  /** Methods to compare, by their names; all without it. */
  readonly methods: readonly string[] | undefined;
  readonly threads: number | undefined;
  readonly json: string | undefined;
}

export const usage = `usage: node bench/run.mjs sweep/main DATA [options]  or  sweep/mixes DATA [options]    (or SIGMAQUANT_BENCH_DATA instead of DATA)
Time of the sensitivity sweep by several methods, and how well each agrees with one full run of the network for each
layer and bitwidth. DATA holds models.json ([{ "model": "a/b.onnx" }]), and beside each model calibration.npz
  --models NAME,..       only these (file names without ending)
  --samples 256          calibration samples
  --seed 1               that they are drawn by
  --bits 2,3,4,5,6,8     bits to measure
  --rounds 3             times that each method is run, in turns; the median counts
  --recovery none        methods that the weights are recovered by: default, none, or names with commas between them
  --methods NAME;..      only these beside the full sweep
  --memory 4,3.5,3,2.5,2 of sweep/mixes: weight memories of uniform bits, or between two of them
  --threads N            of ONNX Runtime
  --json FILE            all figures`;

/** @throws what a malformed option throws */
export function sweepOptions(args: readonly string[], environment: string | undefined): SweepOptions | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      models: { type: "string" },
      samples: { type: "string", default: "256" },
      seed: { type: "string", default: "1" },
      bits: { type: "string", default: "2,3,4,5,6,8" },
      rounds: { type: "string", default: "3" },
      recovery: { type: "string", default: "none" },
      methods: { type: "string" },
      memory: { type: "string", default: "4,3.5,3,2.5,2" },
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
    samples: Number(values.samples),
    seed: Number(values.seed),
    bits: parseBits(values.bits),
    rounds: Number(values.rounds),
    memories: values.memory.split(",").map(Number),
    recovery: parseRecovery(values.recovery),
    methods: values.methods?.split(";"),
    threads: values.threads === undefined ? undefined : Number(values.threads),
    json: values.json,
  };
}
