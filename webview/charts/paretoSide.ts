import { grouped } from "../../src/core/plan/format.ts";
import type { Context } from "../context.ts";
import { el, setText } from "../dom.ts";
import type { State } from "../state.ts";
import type { ChartKind } from "./chartView.ts";
import { lossText, markName, type ParetoData, pointsText } from "./pareto.ts";
import { patchTable } from "./patchTable.ts";

/** The chosen plan and the uniform ones in figures, and how to read the chart. */
export function paretoSide(_: Context): ReturnType<ChartKind<ParetoData>["side"]> {
  const table = el("table", { class: "side-table" });
  const how = el("span");
  const key = el("p", { class: "muted" }, el("span", { class: "front-sample" }), how);
  return {
    element: el("aside", {}, el("h3", { text: "Points" }), table, key),
    update: (data: ParetoData, { snapshot }: State) => {
      const shown = [
        ...data.marks.filter((m) => m.kind === "chosen"),
        ...data.marks.filter((m) => m.kind === "baseline").toSorted((a, b) => (b.bits ?? 0) - (a.bits ?? 0)),
      ];
      const points = data.marks.some((m) => m.drop !== undefined);
      patchTable(table, {
        head: ["Plan", data.unit.label, points ? "Points" : "Loss", "Fits"],
        rows: shown.map((m) => ({
          cells: [markName(m), grouped(m.x, 1), points ? pointsText(m) : lossText(m), m.out === "" ? "fits" : m.out],
          icons: [undefined, undefined, undefined, m.out === "" ? "check" : undefined],
          mark: m.kind === "chosen" ? "diamond" : "square",
          bold: m.kind === "chosen",
          classes: [undefined, undefined, undefined, m.out === "" ? "ok" : "muted"],
        })),
      });
      const measured = snapshot?.pareto?.baselines.some((b) => b.accuracy?.how === "measured");
      const what = data.inPoints ? "expected from sensitivities" : "sum of the sensitivities";
      setText(
        how,
        `best plan at each size (${what}). ${measured && data.inPoints ? "Diamond and squares are measured. " : ""}Hatched: outside the budget or the target. Select a point to preview its bits.`,
      );
    },
  };
}
