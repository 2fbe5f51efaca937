import type { Comparison } from "../../src/protocol/editor.ts";
import { Gauge } from "../budgets/gauge.ts";
import { VerdictCell } from "../budgets/verdict.ts";
import type { Context, Part } from "../context.ts";
import { button, iconButton } from "../controls.ts";
import { el, setChildren, setStyle } from "../dom.ts";
import { formatDuration } from "../format/time.ts";
import { openMoreMenu } from "../header/moreMenu.ts";
import { pairedInterval } from "../model/interval.ts";
import { icon } from "../ui/icons.ts";
import { linkButton } from "../ui/plain.ts";
import { comparedGroups } from "./comparisonRows.ts";
import { comparisonSide } from "./comparisonSide.ts";
import { comparisonTable } from "./comparisonTable.ts";

/** With more baselines than these the table needs the width of the page. */
const mostBesideSide = 3;

/** What came out of a run: the written file beside the float one. Drawn once per run. */
export function createComparison(context: Context): Part {
  const element = el("div", { class: "comparison" });
  let drawn: Comparison | undefined;
  return {
    element,
    update: ({ snapshot }) => {
      const comparison = snapshot?.comparison;
      if (comparison === undefined || comparison === drawn) return;
      // A snapshot is whole: the same run comes again with each of them.
      if (drawn !== undefined && JSON.stringify(drawn) === JSON.stringify(comparison)) return;
      drawn = comparison;
      setChildren(element, [
        header(comparison, context),
        strip(comparison),
        el(
          "div",
          { class: `compared-body${baselines(comparison) > mostBesideSide ? " many" : ""}` },
          el("section", { class: "compared-main" }, comparisonTable(comparison), notes(comparison)),
          comparisonSide(comparison, context),
        ),
      ]);
    },
  };
}

function baselines({ columns }: Comparison): number {
  return columns.filter(({ kind }) => kind === "baseline").length;
}

function header(comparison: Comparison, context: Context): HTMLElement {
  const { post, store } = context;
  const toLayers = linkButton(fileName(comparison.source), () => store.setView({ screen: "layers" }));
  toLayers.title = "Back to the layers";
  const toProfile = linkButton(comparison.profileName, () => post({ type: "command", command: "editProfile" }));
  const command = (label: string, name: "openReport" | "openPlan"): HTMLElement =>
    button({ label, run: () => post({ type: "command", command: name }) }).element;
  return el(
    "header",
    { class: "header" },
    el(
      "div",
      { class: "title" },
      el("h1", { class: "name ellipsis", text: fileName(comparison.quantized), title: comparison.quantized }),
      el(
        "div",
        { class: "facts" },
        el("span", {}, "quantized from ", toLayers),
        el("span", {}, "for ", toProfile),
        el("span", { text: `took ${formatDuration(comparison.seconds)}` }),
      ),
      command("Open Report", "openReport"),
      command("Open Plan", "openPlan"),
      iconButton("more", "More actions", (at) => openMoreMenu(context, at)).element,
    ),
  );
}

function fileName(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}

function strip(comparison: Comparison): HTMLElement {
  const { verdict, changed, budgets } = comparison;
  const interval = changed && pairedInterval(changed);
  const within = interval === undefined ? "" : `, ±${(interval * 100).toFixed(1)} (95 %)`;
  const cell = new VerdictCell();
  cell.update({
    status: verdict.verdict === "feasible" ? "fits" : "fails",
    headline: verdict.headline,
    detail: `${verdict.detail}${within}`,
    facts: "The file itself was loaded and checked",
  });
  const limited = budgets.filter((b) => (b.limit ?? undefined) !== undefined);
  const gauges = limited.map((budget) => {
    const gauge = new Gauge(budget.name, false);
    gauge.update({ budget, limit: budget.limit, dragged: false, pending: false });
    return gauge.element;
  });
  const element = el(
    "section",
    { class: `strip cells-${gauges.length + 1}`, label: "Budgets" },
    cell.element,
    ...gauges,
  );
  setStyle(element, "--gauges", String(gauges.length));
  return element;
}

function notes(comparison: Comparison): HTMLElement {
  const over = comparedGroups(comparison).some((g) => g.rows.some((r) => r.cells.some((c) => c.over)));
  const [first, ...rest] = comparison.notes.map((note) => (/[.!?]$/.test(note) ? note : `${note}.`));
  const legend = over ? [icon("error", "err"), " marks a figure over its budget. "] : [];
  return el(
    "p",
    { class: "muted small compared-notes" },
    ...(first === undefined ? [] : [`${first} `]),
    ...legend,
    rest.join(" "),
  );
}
