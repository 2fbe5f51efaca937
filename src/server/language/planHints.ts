import type { Bits } from "../../core/hardware/profile.ts";
import { formatBytes } from "../../core/plan/format.ts";
import { maxHintLength } from "./budgetText.ts";
import type { Hint } from "./hint.ts";
import { layerStory } from "./layerStory.ts";
import { escapeMarkdown } from "./markdown.ts";
import type { JudgedPlan, PlanContext } from "./planContext.ts";
import { endOf, type Span, touches } from "./textEdits.ts";

/** Beside each layer's bits: what they take, and their share of the loss. @param within the part of the text that is looked at */
export function planHints(context: PlanContext, within: Span): readonly Hint[] {
  const { plan: text, judged } = context;
  const { plan } = text;
  if (!plan || !judged) return [];
  return text.entries.flatMap((entry): readonly Hint[] => {
    if (!touches(entry, within)) return [];
    const row = plan.layers[entry.index];
    const label = row && hintOf(judged, row.name, row.weightBits);
    if (!row || label === undefined) return [];
    const tooltip = steps(judged, row.name, row.weightBits);
    const offset = endOf(text.place(entry, "weightBits"));
    return [{ offset, label, ...(tooltip !== "" && { tooltip }) }];
  });
}

/** `2.52 KiB, 3.4 % of loss`; `not on MAX78000`; `0.41 KiB in float`. */
function hintOf(judged: JudgedPlan, name: string, bits: Bits | null): string | undefined {
  const story = layerStory(judged, name);
  if (!story) return undefined;
  const size = formatBytes(story.bytes, 2);
  if (bits === null) return `${size} in float`;
  if (!judged.choices(name).bits.includes(bits)) {
    const label = `not on ${judged.model.device.profile.name}`;
    return label.length <= maxHintLength ? label : "not on this device";
  }
  if (story.share === undefined) return size;
  const mark = judged.model.losses?.synthetic ? "~" : "";
  return `${size}, ${mark}${(story.share * 100).toFixed(1)} % of loss`;
}

/** What one bitwidth up or down would change. */
function steps(judged: JudgedPlan, name: string, bits: Bits | null): string {
  const story = layerStory(judged, name);
  if (!story || bits === null) return "";
  const lower = story.choices.findLast((choice) => choice.bits < bits);
  const higher = story.choices.find((choice) => choice.bits > bits);
  const lines = [lower, higher].flatMap((choice) => {
    if (!choice) return [];
    const bytes = choice.bytes - story.bytes;
    const size = `${formatBytes(Math.abs(bytes), 2)} ${bytes < 0 ? "less" : "more"}`;
    const change = choice.lossChange;
    const loss = change === undefined ? "" : `, ${changeWords(change)}`;
    return [`${choice.bits < bits ? "Lower" : "Raise"} to ${choice.bits} bits: ${size}${loss}`];
  });
  return [escapeMarkdown(name), ...lines].join("\n\n");
}

/** `loss +12 %` @param change a fraction of the plan's loss */
export function changeWords(change: number): string {
  const percent = (Math.abs(change) * 100).toFixed(change !== 0 && Math.abs(change) < 0.1 ? 1 : 0);
  if (Number(percent) === 0) return "loss as it is";
  return `loss ${change < 0 ? "−" : "+"}${percent} %`;
}
