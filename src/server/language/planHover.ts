import { formatBytes, formatCount, formatJoules, formatSeconds, formatSensitivity } from "../../core/plan/format.ts";
import { metricName } from "../../core/plan/summary.ts";
import type { Plan } from "../../core/plan/types.ts";
import { type LayerStory, lastStepOf, layerStory } from "./layerStory.ts";
import { lensCommands } from "./lens.ts";
import { commandLink, escapeMarkdown, markdownTable } from "./markdown.ts";
import type { JudgedPlan, PlanContext } from "./planContext.ts";
import { changeWords } from "./planHints.ts";
import { endOf, type Span } from "./textEdits.ts";

export interface Hover extends Span {
  readonly markdown: string;
}

/** The whole story of the layer whose entry is around an offset. */
export function planHover(context: PlanContext, offset: number): Hover | undefined {
  const { plan: text, judged, modelUri } = context;
  const { plan } = text;
  const entry = text.entryAt(offset);
  if (!plan || !judged || !entry || offset < entry.offset || offset > endOf(entry)) return undefined;
  const name = plan.layers[entry.index]?.name ?? "";
  const story = layerStory(judged, name);
  if (!story) return undefined;
  const parts = [
    head(story),
    ...(story.choices.length > 0 ? [table(story, judged)] : []),
    ...costs(story),
    ...provenance(judged),
    ...search(plan, name),
    ...(modelUri === undefined
      ? []
      : [commandLink("Show in table", lensCommands.showLayer, { uri: modelUri, layer: name })]),
  ];
  return { offset: entry.offset, length: entry.length, markdown: parts.join("\n\n") };
}

/** `**layer3.1.conv2** Conv, 32×32×3×3, 9,216 parameters, σ 0.0485, pinned` */
function head({ layer, row }: LayerStory): string {
  const facts = [
    escapeMarkdown(layer.opType),
    ...(layer.weightShape.length > 0 ? [layer.weightShape.join("×")] : []),
    `${formatCount(layer.params)} parameters`,
    ...(row.sigma === undefined ? [] : [`σ ${row.sigma.toFixed(4)}`]),
    ...(row.pinned ? ["pinned"] : []),
    ...(row.floatReason === undefined ? [] : [`in float: ${escapeMarkdown(row.floatReason)}`]),
  ];
  return `**${escapeMarkdown(layer.name)}** ${facts.join(", ")}`;
}

function table({ row, choices }: LayerStory, judged: JudgedPlan): string {
  const known = choices.some(({ sensitivity }) => sensitivity !== undefined);
  const expected = choices.some(({ drop }) => drop !== undefined);
  const mark = judged.model.losses?.synthetic ? "~" : "";
  const rows = choices.map(({ bits, bytes, sensitivity, lossChange, drop }) => {
    const now = bits === row.weightBits;
    const cells = [
      now ? `${bits} now` : String(bits),
      ...(known
        ? [sensitivity === undefined ? "–" : `${mark}${formatSensitivity(sensitivity).replace("<", "\\<")}`]
        : []),
      (bytes / 1024).toFixed(2),
      ...(known ? [now || lossChange === undefined ? "–" : changeWords(lossChange).replace(/^loss /, "")] : []),
      ...(expected ? [drop === undefined ? "–" : `${mark}${points(drop, judged)}`] : []),
    ];
    return now ? cells.map((cell) => `**${cell}**`) : cells;
  });
  const headCells = [
    "Bits",
    ...(known ? ["Sensitivity"] : []),
    "KiB",
    ...(known ? ["Plan's loss"] : []),
    ...(expected ? [judged.model.known.prepared.outputKind === "values" ? "Plan's error" : "Plan loses, points"] : []),
  ];
  return markdownTable(headCells, rows);
}

/** Accuracy in points; of outputs without classes the error itself. */
function points(drop: number, judged: JudgedPlan): string {
  return judged.model.known.prepared.outputKind === "values" ? drop.toPrecision(2) : (drop * 100).toFixed(2);
}

function costs({ row }: LayerStory): readonly string[] {
  const parts = [
    formatBytes(row.bytes, 2),
    ...(row.macs === undefined ? [] : [`${formatCount(row.macs)} MACs`]),
    ...(row.latencyS === undefined ? [] : [formatSeconds(row.latencyS)]),
    ...(row.energyJ === undefined ? [] : [formatJoules(row.energyJ)]),
    ...(row.bops === undefined ? [] : [`${formatCount(row.bops)} bit operations`]),
  ];
  return [parts.join(", ")];
}

function provenance({ model }: JudgedPlan): readonly string[] {
  const { losses } = model;
  if (!losses) return [];
  return [`Sensitivity: ${metricName(losses.metric)}${losses.synthetic ? ", on made-up samples" : ""}`];
}

/** `Search: 4 → 2 bits in phase 2, step 4 of 8` */
function search({ trace }: Plan, name: string): readonly string[] {
  const step = lastStepOf(trace, name);
  const change = step?.changes.find(({ layer }) => layer === name);
  if (!step || !change) return [];
  return [`Search: ${change.from} → ${change.to} bits in phase ${step.phase}, step ${step.step} of ${trace.length}`];
}
