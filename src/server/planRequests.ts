import { csvReport } from "../core/plan/csv.ts";
import { modelExplorerData } from "../core/plan/modelExplorer.ts";
import { parsePlan } from "../core/plan/planFile.ts";
import { markdownReport } from "../core/plan/report.ts";
import type { ExportFormat } from "../protocol/requests.ts";
import { readPlanText } from "./language/planText.ts";
import type { ModelSession } from "./session.ts";

/** What is asked of an open model's plan besides edits. */

/** Where a layer stands in the plan. @returns line from 0; the first for a layer that is not there */
export function planLine(session: ModelSession, layer: string): { readonly uri: string; readonly line: number } {
  const { text, uri } = session.planText();
  const plan = readPlanText(text);
  const entry = plan.entryOf(layer);
  const offset = entry ? plan.place(entry, "name").offset : 0;
  return { uri, line: text.slice(0, offset).split("\n").length - 1 };
}

/** The plan as other programs and people read it. */
export function exportText(
  session: ModelSession,
  format: ExportFormat,
): { readonly name: string; readonly text: string } {
  const { state } = session;
  const change = session.planText();
  const plan = parsePlan(change.text, change.uri);
  const base = state.fileName.replace(/\.onnx$/i, "");
  switch (format) {
    case "csv":
      return { name: `${base}.csv`, text: csvReport(plan) };
    case "modelExplorer":
      return { name: `${base}.model-explorer.json`, text: modelExplorerData(plan) };
    case "report": {
      const baselines = state.decided?.result.baselines ?? [];
      const notes = state.decided?.result.notes ?? state.prepared?.notes ?? [];
      const floatBytes = state.facts?.floatBytes ?? 0;
      const files = { float: state.fileName, floatBytes };
      return { name: `${base}.report.md`, text: markdownReport({ plan, baselines, stored: [], files, notes }) };
    }
  }
}
