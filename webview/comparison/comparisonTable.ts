import type { Comparison, ComparisonColumn } from "../../src/protocol/editor.ts";
import { el } from "../dom.ts";
import { none } from "../format/numbers.ts";
import { type IconName, icon } from "../ui/icons.ts";
import { type ComparedCell, comparedGroups } from "./comparisonRows.ts";

const verdicts: Readonly<
  Record<NonNullable<ComparisonColumn["verdict"]>, { icon: IconName; status: string; text: string }>
> = {
  fits: { icon: "ok", status: "ok", text: "Fits" },
  doesNotFit: { icon: "error", status: "err", text: "Does not fit" },
  lossTooHigh: { icon: "warning", status: "warn", text: "Loss too high" },
};

/** Float beside quantized beside uniform bitwidths. */
export function comparisonTable(comparison: Comparison): HTMLElement {
  const { columns } = comparison;
  const changeAfter = columns.findIndex((c) => c.kind === "quantized");
  const withChange = <T>(cells: readonly T[], change: T): readonly T[] =>
    changeAfter < 0 ? cells : [...cells.slice(0, changeAfter + 1), change, ...cells.slice(changeAfter + 1)];
  const head = withChange(
    columns.map((c) =>
      el("th", { class: cellClass(c), attributes: { scope: "col" } }, c.title, el("small", { text: c.subtitle })),
    ),
    el("th", { class: "right change", text: "Change", attributes: { scope: "col" } }, el("small", { text: "\u00a0" })),
  );
  const span = String(columns.length + 2);
  const bodies = comparedGroups(comparison).map((group) =>
    el(
      "tbody",
      {},
      el("tr", { class: "group" }, el("th", { text: group.title, attributes: { colspan: span, scope: "rowgroup" } })),
      ...group.rows.map((row) =>
        el(
          "tr",
          { class: row.bold ? "bold" : "" },
          el("th", { text: row.title, attributes: { scope: "row" } }),
          ...withChange(
            row.cells.map((cell, i) => el("td", { class: cellClass(columns[i]) }, ...cellContent(cell))),
            el("td", { class: "right change", text: row.change }),
          ),
        ),
      ),
    ),
  );
  const last = el(
    "tr",
    { class: "verdict-row" },
    el("th", { text: "Verdict", attributes: { scope: "row" } }),
    ...withChange(
      columns.map((c) => el("td", { class: cellClass(c) }, ...verdictContent(c))),
      el("td", { class: "change" }),
    ),
  );
  return el(
    "table",
    { class: "compared", label: "Float beside quantized" },
    el("thead", {}, el("tr", {}, el("td"), ...head)),
    ...bodies,
    el("tbody", {}, last),
  );
}

function cellClass(column: ComparisonColumn | undefined): string {
  return `right ${column?.kind ?? ""}`;
}

function cellContent({ text, over }: ComparedCell): readonly (Node | string)[] {
  if (!over) return [text];
  return [el("span", { class: "err over-cell", title: "over its budget" }, icon("error", "", "over its budget"), text)];
}

function verdictContent({ verdict }: ComparisonColumn): readonly (Node | string)[] {
  if (verdict === undefined) return [el("span", { class: "muted", text: none })];
  const { icon: name, status, text } = verdicts[verdict];
  return [icon(name, status), ` ${text}`];
}
