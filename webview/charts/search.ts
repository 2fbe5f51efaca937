import { grouped } from "../../src/core/plan/format.ts";
import type { SearchStep } from "../../src/core/plan/types.ts";
import type { EditorSnapshot } from "../../src/protocol/editor.ts";
import type { Context } from "../context.ts";
import { el, setText } from "../dom.ts";
import { count, finite, formatDropPoints } from "../format/numbers.ts";
import { type Scale, scaleFor } from "../format/scales.ts";
import { formatDuration } from "../format/time.ts";
import { memoLast } from "../model/memo.ts";
import type { State } from "../state.ts";
import type { ChartKind } from "./chartView.ts";
import { patchTable, type TableRow } from "./patchTable.ts";
import { drawSearch } from "./searchDrawing.ts";

export interface SearchData {
  readonly snapshot: EditorSnapshot;
  readonly steps: readonly SearchStep[];
  readonly unit: Scale;
  /** On the axes: weight memory in the unit, drop in points. */
  readonly budget: number | undefined;
  readonly target: number | undefined;
  readonly abandon: number | undefined;
  /** Position of the step that the plan is. */
  readonly chosen: number;
}

/** Steps in the side table: the last ones, where the search decides. */
const lastSteps = 5;

const read = memoLast((snapshot: EditorSnapshot): SearchData | string => {
  const { trace } = snapshot;
  const steps = trace.filter((step) => finite(step.drop) !== undefined);
  if (steps.length === 0) {
    return snapshot.strategy === "sigmaquant"
      ? "No search yet."
      : "This strategy does not search: the path through the zones is SigmaQuant’s.";
  }
  const limit = finite(snapshot.budgets.find((b) => b.name === "weightMemory")?.limit);
  const unit = scaleFor("B", Math.max(...steps.map((s) => s.weightMemory), limit ?? 0));
  const maxDrop = finite(snapshot.maxDrop);
  const abandon = finite(snapshot.abandonDrop);
  return {
    snapshot,
    steps,
    unit,
    budget: limit === undefined ? undefined : limit / unit.size,
    target: maxDrop === undefined ? undefined : maxDrop * 100,
    abandon: abandon === undefined ? undefined : abandon * 100,
    chosen: steps.findLastIndex((s) => s.kept),
  };
});

/** The search's path through its zones. */
export const searchChart: ChartKind<SearchData> = {
  nearest: "xy",
  read: ({ snapshot }: State) => (snapshot === undefined ? "No search yet." : read(snapshot)),
  draw: drawSearch,
  label: ({ steps }) =>
    `Path of the search: ${count(steps.length, "step")} through its zones, loss against weight memory`,
  points: ({ steps, unit }) =>
    steps.map((s, i) => ({ x: s.weightMemory / unit.size, y: s.drop * 100, text: stepText(s, i, unit) })),
  choose: ({ steps }, point, context) => {
    const [change] = steps[point]?.changes ?? [];
    context.reveal(change?.layer);
  },
  table: (data) => ({
    head: ["Step", "Zone", data.unit.label, "Loss", "Changes"],
    rows: data.steps.map((s, i) => {
      const row = stepRow(data, s, i);
      return { ...row, cells: [...row.cells, changesText(s)] };
    }),
    text: [0, 1, 4],
  }),
  side,
};

function stepText(step: SearchStep, i: number, unit: Scale): string {
  return [
    `Step ${i}, ${step.zone}`,
    `${grouped(step.weightMemory / unit.size, 1)} ${unit.label}, ${formatDropPoints(step.drop)} points`,
    ...(step.changes.length === 0 ? [] : [changesText(step)]),
    ...(step.kept ? [] : ["taken back"]),
  ].join("\n");
}

/** `layer3.1.conv2 4 → 2`; of many, the first two and how many more. */
function changesText({ changes }: SearchStep): string {
  const shown = changes.slice(0, 2).map((c) => `${c.layer} ${c.from} → ${c.to}`);
  const more = changes.length - shown.length;
  return [...shown, ...(more > 0 ? [`${grouped(more)} more`] : [])].join(", ");
}

function stepRow({ unit, chosen }: SearchData, step: SearchStep, i: number): TableRow {
  return {
    cells: [String(i), step.zone, grouped(step.weightMemory / unit.size, 1), formatDropPoints(step.drop)],
    bold: i === chosen,
  };
}

function side(_: Context): ReturnType<ChartKind<SearchData>["side"]> {
  const title = el("h3");
  const table = el("table", { class: "side-table" });
  const proof = el("p", { class: "muted" });
  return {
    element: el("aside", {}, title, table, proof),
    update: (data) => {
      const { steps, snapshot } = data;
      const seconds = finite(snapshot.traceSeconds);
      // Step 0 is where the search starts.
      setText(
        title,
        `Search, ${count(steps.length - 1, "step")}${seconds === undefined ? "" : ` in ${formatDuration(seconds)}`}`,
      );
      const first = Math.max(0, steps.length - lastSteps);
      patchTable(table, {
        head: ["Step", "Zone", data.unit.label, "Loss"],
        rows: steps.slice(first).map((s, i) => stepRow(data, s, first + i)),
        text: [0, 1],
      });
      setText(proof, proofText(snapshot));
    },
  };
}

function proofText({ certificate }: EditorSnapshot): string {
  const gap = finite(certificate?.gap);
  if (gap === undefined) return "";
  if (gap <= 0) return "This is the proven optimum (exact solver).";
  const percent = gap * 100;
  return `Within ${percent < 1 ? percent.toFixed(1) : Math.ceil(percent)} % of the proven optimum (exact solver).`;
}
