import { allBits } from "../hardware/bitPairs.ts";
import { resources } from "../hardware/profile.ts";
import { csvText } from "./csv.ts";
import { type DeviceFigures, layersByBits } from "./deviceFigures.ts";

/** One model on one device, as a line of a spreadsheet. */
export interface MatrixLine {
  readonly model: string;
  /** The device's name, and what its profile is referred to by. */
  readonly device: string;
  readonly profile: string;
  /** Absent while there are none. */
  readonly figures?: DeviceFigures;
  /** Why the model can't be laid on the device. */
  readonly problem?: string;
}

/** Columns of a budget, with its unit as everywhere in the program: bytes, seconds, joules, bit operations. */
const budgetColumns = {
  weightMemory: "weight_memory_bytes",
  activationMemory: "activation_memory_bytes",
  latency: "latency_s",
  energy: "energy_j",
  bops: "bops",
} as const;

/** A comparison with raw numbers and units in the header, for spreadsheets (RFC 4180): one line for each model on each device. */
export function matrixCsv(lines: readonly MatrixLine[]): string {
  const head = [
    "model",
    "device",
    "profile",
    "verdict",
    "headline",
    "binding",
    "average_bits",
    ...allBits.map((bits) => `layers_${bits}bit`),
    "layers_float",
    ...resources.flatMap((name) => [budgetColumns[name], `${budgetColumns[name]}_limit`]),
    "accuracy_metric",
    "accuracy_float",
    "accuracy",
    "accuracy_how",
    "accuracy_samples",
    "made_up_samples",
    "problem",
  ];
  return csvText([head, ...lines.map(cells)]);
}

function cells({ model, device, profile, figures, problem }: MatrixLine): readonly (string | number | undefined)[] {
  const { verdict, accuracy } = figures ?? {};
  const counts = figures && layersByBits(figures.bits);
  const count = (bits: (typeof allBits)[number] | null) => counts && (counts.get(bits) ?? 0);
  return [
    model,
    device,
    profile,
    verdict?.verdict,
    verdict?.headline,
    verdict?.binding,
    figures?.averageBits,
    ...allBits.map(count),
    count(null),
    ...resources.flatMap((name) => {
      const budget = figures?.budgets.find((each) => each.name === name);
      return [budget?.use, budget?.limit];
    }),
    accuracy?.metric,
    accuracy?.float,
    accuracy?.quantized,
    accuracy?.how,
    accuracy?.samples,
    accuracy && (accuracy.synthetic ? "yes" : "no"),
    problem,
  ];
}
