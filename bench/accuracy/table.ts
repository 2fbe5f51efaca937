import { type StrategyName, strategyNames } from "./options.ts";

/** One mix of bits, run on labelled samples. */
export interface Row {
  readonly model: string;
  readonly seed: number;
  readonly recovery: string;
  readonly activations: string;
  /** Uniform bits whose weight memory is the limit. */
  readonly memoryOf: number;
  readonly weightMemory: number;
  readonly strategy: StrategyName;
  readonly averageBits: number;
  readonly bits: Readonly<Record<string, number | null>>;
  readonly samples: number;
  readonly floatTop1: number;
  readonly top1: number;
  /** KL divergence of the class probabilities from the float model's, nats. */
  readonly kl: number;
  /** To find these bits, and to round the weights for them; sensitivities and Hessians, which all mixes share, are not in it. */
  readonly seconds: number;
}

/** Accuracies of one model: a line for each memory and recovery, a column for each strategy; means over seeds with their spread. */
export function markdown(rows: readonly Row[]): string {
  const [first] = rows;
  if (first === undefined) return "";
  const used = strategyNames.filter((name) => rows.some((row) => row.strategy === name));
  const lines = [
    `### ${first.model}, ${first.activations}: float ${percent(first.floatTop1)} on ${first.samples} samples`,
    "",
    `| memory of uniform | recovery | ${used.join(" | ")} |`,
    `|---|---|${used.map(() => "---:|").join("")}`,
  ];
  for (const memory of new Set(rows.map((row) => row.memoryOf))) {
    for (const recovery of new Set(rows.map((row) => row.recovery))) {
      const line = rows.filter((row) => row.memoryOf === memory && row.recovery === recovery);
      const cells = used.map((name) => cell(line.filter((row) => row.strategy === name)));
      lines.push(`| ${memory} bits | ${recovery} | ${cells.join(" | ")} |`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** `82.3 ± 0.2 (0.012)`: mean, half of the range, mean KL. Phase 1 alone keeps to no memory: its bits on average come with it. */
function cell(rows: readonly Row[]): string {
  if (rows.length === 0) return "-";
  const top1 = rows.map((row) => row.top1);
  const mean = top1.reduce((a, b) => a + b, 0) / top1.length;
  const spread = (Math.max(...top1) - Math.min(...top1)) / 2;
  const kl = rows.reduce((sum, row) => sum + row.kl, 0) / rows.length;
  const range = rows.length > 1 ? ` ± ${(100 * spread).toFixed(1)}` : "";
  const bits = rows.reduce((sum, row) => sum + row.averageBits, 0) / rows.length;
  const at = rows[0]?.strategy === "phase-1" ? ` at ${bits.toFixed(1)} bits` : "";
  return `${percent(mean)}${range} (${kl.toPrecision(2)})${at}`;
}

function percent(fraction: number): string {
  return (100 * fraction).toFixed(1);
}
