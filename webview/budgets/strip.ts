import type { Resource } from "../../src/core/hardware/profile.ts";
import type { EditorSnapshot, GaugeBudget } from "../../src/protocol/editor.ts";
import type { Context, Part } from "../context.ts";
import { el, setChildren, setShown, setStyle } from "../dom.ts";
import { figuresOf } from "../model/figures.ts";
import { verdictFacts } from "../model/words.ts";
import { Gauge } from "./gauge.ts";
import { makeEditable } from "./gaugeEditing.ts";
import { VerdictCell, type VerdictText } from "./verdict.ts";

/** What a gauge is before the profile's budgets are known: five empty ones, so that nothing moves when they come. */
const unknownBudgets: readonly GaugeBudget[] = [
  { name: "weightMemory", unit: "B" },
  { name: "activationMemory", unit: "B" },
  { name: "latency", unit: "s" },
  { name: "energy", unit: "J" },
  { name: "bops", unit: "bitops" },
];

/** The verdict and the gauges of the profile's budgets. */
export function createStrip(context: Context): Part {
  const verdict = new VerdictCell();
  const gauges = new Map<Resource, Gauge>();
  const element = el("section", { class: "strip", label: "Budgets" });
  let announced: string | undefined;
  const gaugeOf = (name: Resource): Gauge => {
    let gauge = gauges.get(name);
    if (gauge === undefined) {
      gauge = new Gauge(name, true);
      makeEditable(gauge, context);
      gauges.set(name, gauge);
    }
    return gauge;
  };
  return {
    element,
    update: ({ snapshot, drag }) => {
      setShown(element, snapshot === undefined || snapshot.profile !== undefined);
      if (snapshot !== undefined && snapshot.profile === undefined) return;
      const shown = (snapshot?.budgets ?? []).filter(isLimited);
      const waiting = snapshot === undefined || (shown.length === 0 && snapshot.work !== undefined);
      const budgets = waiting ? unknownBudgets : shown;
      // A verdict that needs room for its way out has a band of its own; while a limit is moved, nothing else moves.
      const inBand = snapshot !== undefined && verdictInBand(snapshot, drag !== undefined && !drag.done, element);
      setChildren(element, [...(inBand ? [] : [verdict.element]), ...budgets.map((b) => gaugeOf(b.name).element)]);
      setStyle(element, "--gauges", String(budgets.length));
      const layout = `strip cells-${budgets.length + (inBand ? 0 : 1)}${inBand ? " no-verdict" : ""}`;
      if (element.className !== layout) element.className = layout;
      verdict.update(snapshot && verdictText(snapshot));
      for (const budget of budgets) {
        const dragged = drag?.resource === budget.name;
        gaugeOf(budget.name).update({
          budget,
          limit: dragged ? drag.limit : (budget.limit ?? undefined),
          dragged: dragged && !drag.done,
          pending: waiting || snapshot?.work !== undefined,
        });
      }
      const headline = snapshot?.verdict?.headline;
      if (headline !== undefined && headline !== announced && (drag === undefined || drag.done)) {
        announced = headline;
        context.announcer.say([headline, snapshot?.verdict?.detail].join(". "));
      }
    },
  };
}

/** Budgets that the profile has, or that someone has just taken the limit from. */
function isLimited(budget: GaugeBudget): boolean {
  return (budget.limit ?? budget.profileLimit ?? undefined) !== undefined;
}

/** Whether the verdict is told in the band above the gauges. While a limit is dragged it stays where it is. */
function verdictInBand(snapshot: EditorSnapshot, dragging: boolean, strip: HTMLElement): boolean {
  return dragging ? strip.classList.contains("no-verdict") : needsBand(snapshot);
}

/** An infeasible verdict comes with its remedies and needs their room. */
export function needsBand(snapshot: EditorSnapshot): boolean {
  return snapshot.verdict?.verdict === "infeasible";
}

function verdictText(snapshot: EditorSnapshot): VerdictText | undefined {
  const { verdict, work } = snapshot;
  if (verdict === undefined) {
    if (work !== undefined) return undefined;
    return { status: "unknown", headline: "No verdict yet", detail: "Analyze the model to get one", facts: "" };
  }
  return {
    status: verdict.verdict === "feasible" ? "fits" : "fails",
    headline: verdict.headline,
    detail: verdict.detail,
    facts: verdictFacts(snapshot, figuresOf(snapshot)),
  };
}
