import { formatBytes } from "../../src/core/plan/format.ts";
import { el } from "../dom.ts";
import { finite, formatLoss } from "../format/numbers.ts";
import type { ColumnId } from "../model/columnIds.ts";
import { columns } from "../model/columns.ts";
import { type Figures, sensitivities, weightKl } from "../model/figures.ts";
import { metricTitle } from "../model/words.ts";
import { factLines } from "../ui/hover.ts";

/** What the hover of a cell says: exact numbers for the heat strip, for names what no column shows. Empty = no hover. */
export function cellFacts(
  f: Figures,
  index: number,
  column: ColumnId | "float",
  shown: readonly ColumnId[],
): readonly Node[] {
  const row = f.rows[index];
  if (row === undefined) return [];
  switch (column) {
    case "float":
      return [el("p", { text: row.floatDetail ?? row.floatReason ?? "Kept in float" })];
    case "sensitivity":
      return bitTable(f, index, metricTitle(f.snapshot.metric, f.source), sensitivities(f, row));
    case "weightKl":
      return bitTable(f, index, "KL of the weights", weightKl(row));
    case "name": {
      const hidden = columns.filter(({ id }) => !shown.includes(id) && id !== "weightKl" && id !== "sensitivity");
      const facts = hidden.flatMap(({ id, name, longName, text, unit }) => {
        const value = text(f, index);
        if (value === "–" || value === "") return [];
        const spoken = id === "index" || unit === undefined ? "" : unit(f).replace(/^(weights|synthetic)$/, "");
        return [[longName ?? name, `${value}${spoken === "" ? "" : ` ${spoken}`}`] as const];
      });
      return [el("b", { class: "hover-title", text: row.name }), ...(facts.length === 0 ? [] : [factLines(facts)])];
    }
    default:
      return [];
  }
}

/** A line for each bitwidth: its sensitivity and its bytes. */
function bitTable(f: Figures, index: number, title: string, values: ReturnType<typeof weightKl>): readonly Node[] {
  const row = f.rows[index];
  if (row === undefined || values === undefined) return [];
  const lines = f.snapshot.bits.map((b) => {
    const value = finite(values[b]);
    const bytes = finite(row.bytesByBits?.[b]);
    const remark =
      row.weightBits === b
        ? "assigned"
        : f.snapshot.profile && !row.allowedBits.includes(b)
          ? `not on ${f.snapshot.profile.name}`
          : "";
    return el(
      "tr",
      { class: row.weightBits === b ? "bold" : "" },
      el("td", { text: `${b} bits` }),
      el("td", { class: "right", text: value === undefined ? "–" : exact(value, f) }),
      el("td", { class: "right", text: bytes === undefined ? "" : formatBytes(bytes, 2) }),
      el("td", { class: "muted", text: remark }),
    );
  });
  return [
    el("b", { class: "hover-title", text: title }),
    el("table", { class: "hover-table" }, el("tbody", {}, ...lines)),
  ];
}

/** Exact is what the table's four decimals are not: four figures, however small the value. */
function exact(value: number, f: Figures): string {
  if (f.snapshot.synthetic && f.source === "measured") return formatLoss(value, true);
  if (value === 0) return "0";
  const decimals = Math.min(20, Math.max(0, 3 - Math.floor(Math.log10(Math.abs(value)))));
  return value
    .toFixed(decimals)
    .replace(/(\.\d*?)0+$/, "$1")
    .replace(/\.$/, "");
}
