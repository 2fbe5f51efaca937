import type { Evaluation } from "../pipeline/evaluate.ts";
import type { StoredWeight } from "../qdq/types.ts";
import {
  accuracyColumns,
  budgetCells,
  formatAccuracy,
  formatBytes,
  formatCount,
  formatJoules,
  formatPercent,
  formatPoints,
  formatSeconds,
  formatSensitivity,
  grouped,
  resourceName,
} from "./format.ts";
import { averageBits, metricName } from "./summary.ts";
import type { Baseline, Plan } from "./types.ts";
import { overruns } from "./verdict.ts";

export interface ReportInput {
  readonly plan: Plan;
  readonly baselines: readonly Baseline[];
  readonly stored: readonly StoredWeight[];
  readonly evaluation?: Evaluation;
  readonly files: {
    readonly float: string;
    readonly quantized?: string;
    readonly floatBytes: number;
    readonly quantizedBytes?: number;
  };
  /** Assumptions and limits that a reader must know. */
  readonly notes: readonly string[];
}

/** The report beside a quantized model, Markdown. */
export function markdownReport(input: ReportInput): string {
  const { plan } = input;
  const accuracy = accuracyColumns(input.baselines);
  const lines = [
    `# ${escapeMarkdown(plan.model)} on ${escapeMarkdown(plan.profile)}`,
    "",
    `**${plan.verdict.headline}.** ${sentence(plan.verdict.detail)}`,
    ...(plan.verdict.nearest ? ["", `Nearest: ${sentence(plan.verdict.nearest.remedy)}`] : []),
    "",
    "## Budgets",
    "",
    ...table(
      ["Budget", "Use", "Limit", "Margin"],
      plan.budgets.map((b) => [resourceName(b.name), ...budgetCells(b)]),
      "lrrr",
    ),
    "",
    ...accuracySection(input),
    "## Uniform bitwidths beside it",
    "",
    ...table(
      ["Plan", "Weight memory", "Fits", "Loss", ...accuracy.heads],
      [
        ...input.baselines.map((baseline) => [...baselineRow(baseline), ...accuracy.cells(baseline)]),
        [...ownRow(plan), ...accuracy.cells(plan)],
      ],
      `lrlr${"r".repeat(accuracy.heads.length)}`,
    ),
    "",
    "## Layers",
    "",
    ...layerTable(plan),
    "",
    ...certificateSection(plan),
    ...traceSection(plan),
    ...notesSection(input),
  ];
  return `${lines.join("\n").trimEnd()}\n`;
}

function accuracySection({ plan, evaluation, files }: ReportInput): string[] {
  const size =
    files.quantizedBytes === undefined
      ? []
      : [
          `File: ${formatBytes(files.floatBytes)} → ${formatBytes(files.quantizedBytes)} (${escapeMarkdown(files.quantized ?? "")}).`,
          "",
        ];
  if (evaluation === undefined) {
    return ["## Accuracy", "", ...size, plan.accuracy ? `${formatAccuracy(plan.accuracy)}.` : "Not measured.", ""];
  }
  const rows: string[][] = [];
  const { float, quantized } = evaluation;
  if (float.top1 !== undefined && quantized.top1 !== undefined) {
    rows.push([
      "top-1",
      formatPercent(float.top1),
      formatPercent(quantized.top1),
      formatPoints(quantized.top1 - float.top1),
    ]);
  }
  if (float.top5 !== undefined && quantized.top5 !== undefined) {
    rows.push([
      "top-5",
      formatPercent(float.top5),
      formatPercent(quantized.top5),
      formatPoints(quantized.top5 - float.top5),
    ]);
  }
  if (float.loss !== undefined && quantized.loss !== undefined) {
    rows.push([
      "cross-entropy",
      float.loss.toFixed(4),
      quantized.loss.toFixed(4),
      (quantized.loss - float.loss).toFixed(4),
    ]);
  }
  // What is got from made-up samples is marked.
  const mark = evaluation.synthetic ? "~" : "";
  if (evaluation.agreement !== undefined)
    rows.push(["agreement with float", "–", `${mark}${formatPercent(evaluation.agreement)}`, "–"]);
  if (evaluation.kl !== undefined)
    rows.push(["KL divergence, nats", "–", `${mark}${formatSensitivity(evaluation.kl)}`, "–"]);
  for (const o of evaluation.outputs)
    rows.push([
      `SQNR of ${escapeMarkdown(o.name)}`,
      "–",
      Number.isFinite(o.sqnrDb) ? `${mark}${grouped(o.sqnrDb, 1)} dB` : "no error",
      "–",
    ]);
  const kind = evaluation.synthetic ? "synthetic samples (they rank, but do not predict accuracy)" : "samples";
  return [
    "## Accuracy",
    "",
    ...size,
    `The written file loads in ONNX Runtime with default options. Beside the float model, on ${grouped(evaluation.samples)} ${kind}:`,
    "",
    ...table(["Measure", "Float", "Quantized", "Change"], rows, "lrrr"),
    "",
  ];
}

function baselineRow(b: Baseline): string[] {
  return [
    `uniform ${b.bits} bits`,
    formatBytes(b.weightMemory),
    b.fits ? "yes" : "no",
    b.loss === undefined ? "–" : formatSensitivity(b.loss),
  ];
}

function ownRow(plan: Plan): string[] {
  const memory = plan.budgets.find((b) => b.name === "weightMemory")?.use ?? 0;
  return [
    `**${plan.strategy}, ${averageBits(plan.layers).toFixed(1)} bits on average**`,
    formatBytes(memory),
    overruns(plan.budgets).length === 0 ? "yes" : "no",
    plan.certificate ? formatSensitivity(plan.certificate.loss) : "–",
  ];
}

function layerTable(plan: Plan): string[] {
  return table(
    [
      "#",
      "Layer",
      "Operator",
      "Weight",
      "Params",
      "MACs",
      "σ",
      "Sensitivity",
      "W bits",
      "A bits",
      "Bytes",
      "Latency",
      "Energy",
    ],
    plan.layers.map((l, i) => [
      String(i + 1),
      escapeMarkdown(l.name),
      escapeMarkdown(l.opType),
      l.weightShape.join("×"),
      formatCount(l.params),
      l.macs === undefined ? "–" : formatCount(l.macs),
      l.sigma === undefined ? "–" : l.sigma.toFixed(4),
      l.weightBits === null
        ? escapeMarkdown(l.floatReason ?? "float")
        : formatSensitivity(l.sensitivity?.[l.weightBits] ?? 0),
      l.weightBits === null ? "float" : `${l.weightBits}${l.pinned ? " pinned" : ""}`,
      l.activationBits === null ? "float" : String(l.activationBits),
      formatBytes(l.bytes, 2),
      l.latencyS === undefined ? "–" : formatSeconds(l.latencyS),
      l.energyJ === undefined ? "–" : formatJoules(l.energyJ),
    ]),
    "rlllrrrrrrrrr",
  );
}

function certificateSection({ certificate, sensitivityMetric, synthetic }: Plan): string[] {
  if (certificate === undefined) return [];
  const gap =
    certificate.gap === 0 ? "proven optimal" : `within ${(certificate.gap * 100).toFixed(2)} % of a proven bound`;
  return [
    "## Certificate",
    "",
    `Over the sensitivities (${metricName(sensitivityMetric)}${synthetic ? ", on synthetic samples" : ""}) the best possible plan under these budgets has a total of ${formatSensitivity(certificate.optimum)} (${gap}); this plan has ${formatSensitivity(certificate.loss)}.`,
    "",
  ];
}

function traceSection({ trace }: Plan): string[] {
  if (trace.length === 0) return [];
  return [
    "## Search",
    "",
    ...table(
      ["Step", "Phase", "Zone", "Changes", "Drop", "Weight memory", "Largest use of a budget"],
      trace.map((s) => [
        `${s.step}${s.kept ? "" : " (taken back)"}`,
        String(s.phase),
        s.zone,
        s.changes.length > 4
          ? `${s.changes.length} layers`
          : escapeMarkdown(s.changes.map((c) => `${c.layer} ${c.from}→${c.to}`).join(", ") || "–"),
        formatPoints(-s.drop),
        formatBytes(s.weightMemory),
        formatPercent(s.pressure),
      ]),
      "llllrrr",
    ),
    "",
  ];
}

/** Bits of the ONNX integer types; int2 may be lacking, which is then seen in `storedBits`. */
const typedBits: ReadonlySet<number> = new Set([2, 4, 8]);

/**
 * How bitwidths without an ONNX type are stored: wider, so that they take more room in the file than on a device that packs them, or
 * packed. Undefined where all layers have a type of their own (2, 4 and 8 bits).
 */
export function storedNote(stored: readonly StoredWeight[]): string | undefined {
  const wider = stored.filter((s) => s.storedBits !== s.bits);
  const packed = stored.filter((s) => s.storedBits === s.bits && !typedBits.has(s.bits));
  const bytes = stored.reduce((sum, s) => sum + s.bytes, 0);
  if (packed.length > 0) {
    return `${packed.length} of ${stored.length} quantized layers have bitwidths without an ONNX type of their own and are packed, as the next wider type would not fit the budget; ONNX Runtime unpacks them when it loads the file: in the file they take ${formatBytes(bytes)}, with scales and zero points`;
  }
  if (wider.length === 0) return undefined;
  return `${wider.length} of ${stored.length} quantized layers have bitwidths without an ONNX type of their own and are stored in the file in the next wider one (3 bits in int4; 5 to 7 bits in int8): weights, scales and zero points take ${formatBytes(bytes)} there`;
}

/** As many layers are named as are read. */
const maxNamed = 8;

function notesSection({ notes, stored }: ReportInput): string[] {
  const note = storedNote(stored);
  const wider = stored.filter((s) => s.storedBits !== s.bits);
  const named = wider
    .slice(0, maxNamed)
    .map((s) => `${escapeMarkdown(s.layer)} ${s.bits}→${s.storedBits}`)
    .join(", ");
  const rest = wider.length > maxNamed ? ", …" : "";
  const which = named === "" ? "" : ` (${named}${rest})`;
  const all = [...notes, ...(note === undefined ? [] : [`${note}${which}`])];
  return all.length === 0 ? [] : ["## Notes", "", ...all.map((text) => `- ${sentence(text)}`), ""];
}

/** With a capital and a full stop. */
function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(text) ? capital : `${capital}.`;
}

function escapeMarkdown(text: string): string {
  return text.replace(/[|\\`*_<>[\]]/g, "\\$&").replace(/\s+/g, " ");
}

function table(head: readonly string[], rows: readonly (readonly string[])[], align: string): string[] {
  const rule = head.map((_, i) => (align[i] === "r" ? "---:" : "---"));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`);
}
