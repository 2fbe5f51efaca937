import type { Bits } from "../../src/core/hardware/profile.ts";
import { grouped } from "../../src/core/plan/format.ts";
import { el, setChildren } from "../dom.ts";
import type { Part } from "./state.ts";

/** Below the table: which shade is which bitwidth, and how each figure was got. */
export function createLegend(): Part {
  const element = el("footer", { class: "d-legend small muted" });
  let shown = "";
  return {
    element,
    update: ({ snapshot }) => {
      const all = (snapshot?.rows ?? []).flatMap(({ figures }) => (figures ? [figures] : []));
      const used = new Set(all.flatMap(({ bits }) => [...new Set(bits)]));
      const bits = ([2, 3, 4, 5, 6, 7, 8] as const).filter((each) => used.has(each));
      const samples = all.flatMap(({ accuracy }) => accuracy ?? [])[0]?.samples;
      const noFigure = all.some(({ budgets }) => budgets.some(({ use }) => use === undefined || use === null));
      const key = JSON.stringify([bits, used.has(null), samples, noFigure]);
      if (key === shown) return;
      shown = key;
      setChildren(element, [
        ...(used.size > 0 ? [swatches(bits, used.has(null))] : []),
        el("p", { text: words(samples, noFigure) }),
      ]);
    },
  };
}

function swatches(bits: readonly Bits[], float: boolean): HTMLElement {
  return el(
    "div",
    { class: "d-swatches" },
    el("span", { text: "Weight bits" }),
    ...bits.map((each) => el("span", {}, el("i", { class: `swatch swatch-${each}` }), String(each))),
    ...(float ? [el("span", {}, el("i", { class: "swatch swatch-float" }), "float")] : []),
  );
}

function words(samples: number | undefined, noFigure: boolean): string {
  const on = samples === undefined ? "samples" : `${grouped(samples)} samples`;
  return [
    "A row that does not fit shows its nearest plan.",
    ...(noFigure ? ["“no figure” means that the profile states none: SigmaQuant does not guess."] : []),
    `Simulated: the plan was run on ${on}.`,
    "Expected: told from the sensitivities of single layers, and from the plans that were run.",
  ].join(" ");
}
