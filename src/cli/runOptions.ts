import { type Command, Option } from "commander";
import { budgetsOf } from "../core/hardware/budgets.ts";
import { parseBudget } from "../core/hardware/parseBudget.ts";
import type { Bits, Budgets, HardwareProfile, Resource } from "../core/hardware/profile.ts";
import type { RangeChoice } from "../core/pipeline/activationRanges.ts";
import {
  type DropLimit,
  defaultBatch,
  defaultCalibrationSamples,
  defaultSensitivitySamples,
  dropLimitOf,
  parseBits,
  parseDropLimit,
  parseStrategy,
  type RunSettings,
} from "../core/pipeline/settings.ts";
import { decisionsOf } from "../core/plan/planFile.ts";
import type { Strategy } from "../core/plan/types.ts";
import { readPlan } from "../node/plans.ts";
import { parseCount } from "./context.ts";
import { type ModelOptions, modelOptions } from "./openModel.ts";

/** Options of the commands that decide bits. */
export interface RunOptions extends ModelOptions {
  readonly profile: string;
  readonly calibration?: string;
  readonly evaluation?: string;
  readonly strategy: Strategy;
  readonly bits?: readonly Bits[];
  readonly maxDrop?: DropLimit;
  readonly weightMemory?: number;
  readonly activationMemory?: number;
  readonly latency?: number;
  readonly energy?: number;
  readonly bops?: number;
  readonly weightsOnly?: boolean;
  readonly activationRange: RangeChoice;
  readonly pins?: string;
  readonly samples: number;
  readonly batch: number;
  readonly threads?: number;
}

const budgetHelp: Readonly<Record<Resource, readonly [flag: string, help: string]>> = {
  weightMemory: ["--weight-memory <size>", "budget for weights, scales and biases, such as 32KiB or 31234B"],
  activationMemory: ["--activation-memory <size>", "budget for activations alive at once, such as 64KiB"],
  latency: ["--latency <time>", "budget for one inference, such as 5ms"],
  energy: ["--energy <amount>", "budget for one inference, such as 250uJ"],
  bops: ["--bops <count>", "budget of bit operations, such as 400M"],
};

/** Adds what says which device, data, strategy and budgets. */
export function runOptions(command: Command): Command {
  modelOptions(command)
    .option("--profile <file|preset>", "hardware profile (*.hwprofile.json) or a preset's name", "generic")
    .option("--calibration <set>", "samples (.npz, .npy or an ONNX test-data folder); synthetic ones without it")
    .option("--evaluation <set>", "labelled samples not used to calibrate; the calibration set stands in without it")
    .addOption(
      new Option("--strategy <name>", "sigmaquant (two-phase search), exact (solver alone) or uniform:N")
        .argParser(parseStrategy)
        .default("sigmaquant"),
    )
    .option("--bits <list>", "weight bits to choose from, such as 2,4,8; the device's without it", parseBits)
    .option("--max-drop <loss>", "accepted loss of accuracy: 1% (of float's) or 1points (absolute)", parseDropLimit);
  for (const [resource, [flag, help]] of Object.entries(budgetHelp)) {
    command.option(flag, help, (text: string) => parseBudget(resource as Resource, text));
  }
  return command
    .option("--weights-only", "activations stay in float")
    .addOption(
      new Option("--activation-range <method>", "how activations' ranges are found; auto tries each on the network")
        .choices(["auto", "minmax", "percentile", "mse"])
        .default("auto"),
    )
    .option("--pins <plan>", "a plan (*.sigmaquant.json) whose pinned layers keep their bits")
    .option("--samples <n>", "samples that sensitivities are measured on", parseCount, defaultSensitivitySamples)
    .option("--batch <n>", "samples in one run", parseCount, defaultBatch)
    .option("--threads <n>", "threads of ONNX Runtime", parseCount);
}

/** The profile's budgets under those of the command line. */
export function limitsOf(profile: HardwareProfile, options: RunOptions): Budgets {
  const { weightMemory, activationMemory, latency, energy, bops } = options;
  return budgetsOf(profile, {
    ...(weightMemory !== undefined && { weightMemory }),
    ...(activationMemory !== undefined && { activationMemory }),
    ...(latency !== undefined && { latency }),
    ...(energy !== undefined && { energy }),
    ...(bops !== undefined && { bops }),
  });
}

export async function settingsOf(profile: HardwareProfile, options: RunOptions): Promise<RunSettings> {
  const dropLimit = options.maxDrop ?? dropLimitOf(profile);
  return {
    strategy: options.strategy,
    ...(options.bits && { bits: options.bits }),
    ...(dropLimit && { dropLimit }),
    weightsOnly: options.weightsOnly ?? false,
    activationRange: options.activationRange,
    sensitivitySamples: options.samples,
    calibrationSamples: Math.max(options.samples, defaultCalibrationSamples),
    batch: options.batch,
    ...(options.threads !== undefined && { threads: options.threads }),
    pins: options.pins === undefined ? new Map() : await pinsOf(options.pins),
  };
}

async function pinsOf(file: string): Promise<ReadonlyMap<string, Bits | null>> {
  const { bits, pinned } = decisionsOf(await readPlan(file));
  return new Map([...bits].filter(([name]) => pinned.has(name)));
}
