import { formatBytes, grouped, threeFigures } from "../../src/core/plan/format.ts";
import type { Comparison } from "../../src/protocol/editor.ts";
import type { Context } from "../context.ts";
import { el, setStyle } from "../dom.ts";
import { finite, none } from "../format/numbers.ts";
import { icon } from "../ui/icons.ts";
import { linkButton } from "../ui/plain.ts";

/** Beside the comparison: outputs, predictions that changed, files that were written. */
export function comparisonSide(comparison: Comparison, context: Context): HTMLElement {
  return el(
    "aside",
    { class: "compared-side" },
    ...[outputs(comparison), predictions(comparison), files(comparison, context)]
      .filter((parts) => parts.length > 0)
      .map((parts) => el("div", {}, ...parts)),
  );
}

function outputs({ outputs: all }: Comparison): readonly HTMLElement[] {
  if (all.length === 0) return [];
  const rows = all.map((o) =>
    el(
      "tr",
      {},
      el("td", { class: "ellipsis", text: o.name, title: o.name }),
      el("td", { class: "muted", text: o.shape }),
      el("td", { class: "right", text: finite(o.sqnrDb)?.toFixed(1) ?? "exact" }),
      el("td", { class: "right", text: errorText(o.maxError) }),
    ),
  );
  const head = ["Output", "Shape", "SQNR, dB", "Max error"].map((text, i) =>
    el("th", { class: i > 1 ? "right" : "", text, attributes: { scope: "col" } }),
  );
  return [
    el("h2", { text: "Outputs" }),
    el("table", { class: "outputs" }, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows)),
  ];
}

function errorText(value: number | null | undefined): string {
  const error = finite(value);
  return error === undefined ? none : threeFigures(error);
}

function predictions({ changed }: Comparison): readonly HTMLElement[] {
  if (changed === undefined) return [];
  const kinds = [
    { name: "Right before, wrong now", n: changed.rightToWrong, mark: "part-loss" },
    { name: "Wrong before, right now", n: changed.wrongToRight, mark: "part-gain" },
    { name: "Wrong both times, differently", n: changed.wrongBoth, mark: "part-same" },
  ];
  const total = kinds.reduce((sum, kind) => sum + kind.n, 0);
  const bar = el("div", {
    class: "parts",
    role: "img",
    label: `${grouped(total)} of ${grouped(changed.samples)} predictions changed`,
  });
  for (const { n, mark } of kinds) {
    const part = el("span", { class: mark });
    setStyle(part, "flex-grow", String(n));
    if (n > 0) bar.append(part);
  }
  const lines = kinds.map(({ name, n, mark }) =>
    el(
      "div",
      { class: "part-line" },
      el("span", { class: `part-mark ${mark}` }),
      name,
      el("span", { class: "right", text: grouped(n) }),
    ),
  );
  const sum = el(
    "div",
    { class: "part-line bold" },
    `Changed, of ${grouped(changed.samples)}`,
    el("span", { class: "right", text: grouped(total) }),
  );
  return [el("h2", { text: "Changed predictions" }), bar, ...lines, sum];
}

function files({ files: all }: Comparison, { post }: Context): readonly HTMLElement[] {
  if (all.length === 0) return [];
  const lines = all.map(({ path, bytes }, index) => {
    const name = path.split(/[\\/]/).at(-1) ?? path;
    const link = linkButton(name, () => post({ type: "openFile", index }));
    link.title = path;
    link.classList.add("ellipsis");
    return el(
      "div",
      { class: "file-line" },
      icon("file"),
      link,
      el("span", { class: "muted right", text: formatBytes(bytes) }),
    );
  });
  return [el("h2", { text: "Files" }), ...lines];
}
