import { type Command, Option } from "commander";
import { SigmaQuantError } from "../core/errors.ts";
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
import { resourceName } from "../core/plan/format.ts";
import { decisionsOf } from "../core/plan/planFile.ts";
import type { Strategy } from "../core/plan/types.ts";
import { defaultRecovery, parseRecovery, type RecoveryMethod, recoveryMethods } from "../core/recovery/methods.ts";
import { readPlan } from "../node/plans.ts";
import { parseCount, parseMemory, parseThreads } from "./context.ts";
import { type ModelOptions, modelOptions } from "./openModel.ts";
import { optionGroups, readBy } from "./usage.ts";

/** Options of the commands that decide bits, whatever for. */
export interface DecisionOptions extends ModelOptions {
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
  readonly mixActivations?: boolean;
  readonly activationRange: RangeChoice;
  readonly recovery: ReadonlySet<RecoveryMethod>;
  readonly samples: number;
  readonly batch: number;
  readonly threads?: number;
}

/** Instead of a plan: pins of the plan that is replaced are let go. */
export const noPins = "none";

/** Options of the commands that decide bits of one model for one device. */
export interface RunOptions extends DecisionOptions {
  readonly profile: string;
  readonly pins?: string;
}

const budgetHelp: Readonly<Record<Resource, readonly [flag: string, value: string, help: string]>> = {
  weightMemory: ["--weight-memory", "<size>", "budget for weights, scales and biases, such as 32KiB or 31234B"],
  activationMemory: ["--activation-memory", "<size>", "budget for activations alive at once, such as 64KiB"],
  latency: ["--latency", "<time>", "budget for one inference, such as 5ms"],
  energy: ["--energy", "<amount>", "budget for one inference, such as 250uJ"],
  bops: ["--bops", "<count>", "budget of bit operations, such as 400M"],
};

/** Adds what says which device, data, strategy and budgets. */
export function runOptions(command: Command): Command {
  modelOptions(command)
    .optionsGroup(optionGroups.device)
    .option("--profile <file|preset>", "hardware profile (*.hwprofile.json) or a preset's name", "generic");
  return decisionOptions(command).option(
    "--pins <plan>",
    `a plan (*.sigmaquant.json) whose pinned layers keep their bits; ${noPins} for none; the plan that is replaced without it`,
  );
}

/** Adds what says which data, strategy and budgets, for a command with one profile or several. */
export function decisionOptions(command: Command): Command {
  for (const [resource, [flag, value, help]] of Object.entries(budgetHelp)) {
    const parse = readBy(flag, (text) => parseBudget(resource as Resource, text));
    command.option(`${flag} ${value}`, `${help}; instead of the profile's`, parse);
  }
  command.option(
    "--max-drop <loss>",
    "accepted loss of accuracy: 1% (of float's) or 1points (absolute)",
    readBy("--max-drop", parseDropLimit),
  );
  samplesOptions(command.optionsGroup(optionGroups.samples));
  return command
    .option("--evaluation <set>", "samples not used to calibrate, with labels; the calibration set without it")
    .optionsGroup(optionGroups.method)
    .addOption(
      new Option("--strategy <name>", "sigmaquant (two-phase search), exact (solver alone) or uniform:N")
        .argParser(readBy("--strategy", parseStrategy))
        .default("sigmaquant"),
    )
    .option(
      "--bits <list>",
      "weight bits to choose from, such as 2,4,8; the device's without it",
      readBy("--bits", parseBits),
    )
    .option("--weights-only", "activations stay in float")
    .option("--mix-activations", "bits for each activation too, by its harm, within latency, energy or bit operations")
    .addOption(
      new Option("--activation-range <method>", "how activations' ranges are found; auto tries each on the network")
        .choices(["auto", "minmax", "percentile", "mse"])
        .default("auto"),
    )
    .addOption(
      new Option("--recovery <methods>", `default, none, or a list of ${recoveryMethods.join(", ")}`)
        .argParser(readBy("--recovery", parseRecovery))
        .default(defaultRecovery, "default"),
    );
}

/** Adds what says which samples a run uses and how. */
export function samplesOptions(command: Command): Command {
  return command
    .option(
      "--calibration <set>",
      "samples: .npz, .npy, a folder of images or of ONNX test data; made-up ones without it",
    )
    .option(
      "--samples <n>",
      "samples that sensitivities are measured on",
      readBy("--samples", parseCount),
      defaultSensitivitySamples,
    )
    .option("--batch <n>", "samples in one run", readBy("--batch", parseCount), defaultBatch)
    .addOption(
      new Option("--threads <n>", "threads, at most one for each core; one for each physical core without it")
        .argParser(readBy("--threads", parseThreads))
        .helpGroup(optionGroups.method),
    )
    .addOption(
      new Option(
        "--analysis-memory <size>",
        "memory for activations and statistics, such as 2GiB; a quarter of the machine's",
      )
        .argParser(readBy("--analysis-memory", parseMemory))
        .helpGroup(optionGroups.method),
    );
}

/** The profile's budgets under those of the command line. */
export function limitsOf(profile: HardwareProfile, options: DecisionOptions): Budgets {
  const { weightMemory, activationMemory, latency, energy, bops } = options;
  return budgetsOf(profile, {
    ...(weightMemory !== undefined && { weightMemory }),
    ...(activationMemory !== undefined && { activationMemory }),
    ...(latency !== undefined && { latency }),
    ...(energy !== undefined && { energy }),
    ...(bops !== undefined && { bops }),
  });
}

export async function settingsOf(
  profile: HardwareProfile,
  options: DecisionOptions & Pick<RunOptions, "pins">,
): Promise<RunSettings> {
  const dropLimit = options.maxDrop ?? dropLimitOf(profile);
  return {
    strategy: options.strategy,
    ...(options.bits && { bits: options.bits }),
    ...(dropLimit && { dropLimit }),
    weightsOnly: options.weightsOnly ?? false,
    ...(options.mixActivations && { mixActivations: true }),
    activationRange: options.activationRange,
    sensitivitySamples: options.samples,
    calibrationSamples: Math.max(options.samples, defaultCalibrationSamples),
    batch: options.batch,
    ...(options.threads !== undefined && { threads: options.threads }),
    recovery: options.recovery,
    pins: options.pins === undefined || options.pins === noPins ? new Map() : await pinsOf(options.pins),
  };
}

/** Pinned layers of a plan that is about to be replaced; none without one, or where it is no plan any more. */
export async function replacedPins(file: string): Promise<ReadonlyMap<string, Bits | null>> {
  try {
    return await pinsIn(file);
  } catch {
    return new Map();
  }
}

/** Pinned layers that the device can't give their bits are errors of the plan; see decisionGroups.ts. */
async function pinsOf(file: string): Promise<ReadonlyMap<string, Bits | null>> {
  const pins = await pinsIn(file);
  if (pins.size === 0) {
    throw new SigmaQuantError("SQ1030", "no-pins", "No layer of the plan is pinned", {
      remedy: 'Write "pinned": true into the layers that are to keep their bits, or leave --pins out',
      place: { file },
    });
  }
  return pins;
}

async function pinsIn(file: string): Promise<ReadonlyMap<string, Bits | null>> {
  const { bits, pinned } = decisionsOf(await readPlan(file));
  return new Map([...bits].filter(([name]) => pinned.has(name)));
}

/**
 * What `--bits` leaves of a device's bits.
 * @throws SQ1029 when nothing is left
 * @returns bits that the device lacks, for a note
 */
export function missingBits(profile: HardwareProfile, bits: readonly Bits[] | undefined): readonly Bits[] {
  const operators = Object.values(profile.operators).flatMap((operator) => operator.weightBits ?? []);
  const device = new Set([...profile.weightBits, ...operators]);
  const missing = (bits ?? []).filter((b) => !device.has(b));
  if (bits !== undefined && missing.length === bits.length) {
    const own = [...device].sort((a, b) => a - b).join(", ");
    throw new SigmaQuantError(
      "SQ1029",
      "bits-unsupported",
      `${profile.name} has no weights of ${bits.join(", ")} bits`,
      {
        remedy: `Choose from ${own}`,
        place: { item: "--bits" },
      },
    );
  }
  return missing;
}

/**
 * Budgets of the command line that can't be checked, as the profile lacks the figures they depend on.
 * @param unknown limited resources whose use the device's figures don't tell
 * @throws SQ1031 for the first
 */
export function requireKnown(unknown: readonly Resource[], options: RunOptions, profile: HardwareProfile): void {
  const name = unknown.find((resource) => options[resource] !== undefined);
  if (name === undefined) return;
  throw new SigmaQuantError(
    "SQ1031",
    "budget-unknown",
    `A budget of ${resourceName(name)} can't be checked: ${profile.name} has no figures for it`,
    { remedy: "Give a profile that has them, or leave the budget out", place: { item: budgetHelp[name][0] } },
  );
}
