import type { Evaluation } from "../core/pipeline/evaluate.ts";
import { formatPercent, formatPoints, formatSensitivity, grouped } from "../core/plan/format.ts";
import { columns, renderTable } from "./table.ts";

/** Float beside quantized, as a table for people. */
export function evaluationTable(evaluation: Evaluation): string {
  const { float, quantized, agreement, kl, outputs, synthetic } = evaluation;
  const mark = synthetic ? "~" : "";
  const rows: string[][] = [];
  const accuracy = (name: string, a: number | undefined, b: number | undefined) => {
    if (a !== undefined && b !== undefined) rows.push([name, formatPercent(a), formatPercent(b), formatPoints(b - a)]);
  };
  const sqnr = (db: number) => (Number.isFinite(db) ? `${mark}${grouped(db, 1)} dB` : `${mark}no error`);
  accuracy("top-1", float.top1, quantized.top1);
  accuracy("top-5", float.top5, quantized.top5);
  if (agreement !== undefined) rows.push(["agreement with float", "", `${mark}${formatPercent(agreement)}`, ""]);
  if (kl !== undefined) rows.push(["KL divergence, nats", "", `${mark}${formatSensitivity(kl)}`, ""]);
  for (const output of outputs) rows.push([`SQNR of ${output.name}`, "", sqnr(output.sqnrDb), ""]);
  return renderTable(columns(["Measure", "Float", "Quantized", "Change"], "lrrr"), rows);
}
