import { textNodes } from "../../core/onnx/textModel.ts";
import { formatSensitivity } from "../../core/plan/format.ts";
import { maxHintLength } from "./budgetText.ts";
import type { Hint } from "./hint.ts";
import { escapeMarkdown } from "./markdown.ts";
import type { LayerFigures, ModelTextContext } from "./modelTextContext.ts";
import { endOf, type Span, touches } from "./textEdits.ts";

/**
 * Behind the operator of each layer's nodes: bits, sigma and sensitivity. Not at the end of the line, which in most exported models is far
 * out of sight.
 * @param within the part of the text that is looked at
 */
export function modelTextHints({ made, figures }: ModelTextContext, within: Span): readonly Hint[] {
  if (!made) return [];
  const hints: Hint[] = [];
  for (const { path, span, opSpan } of textNodes(made.graphs)) {
    if (!touches(span, within)) continue;
    const known = figures.get(made.layers.get(path) ?? "");
    const label = known && labelOf(known);
    if (label === undefined) continue;
    // The reason whole, where the hint has not the room for it.
    const reason = known?.floatReason;
    const tooltip = reason !== undefined && !label.endsWith(reason) ? escapeMarkdown(reason) : undefined;
    hints.push({ offset: endOf(opSpan), label, ...(tooltip !== undefined && { tooltip }) });
  }
  return hints;
}

/** `8 bits, σ 0.115, KL 0.0002`; `float: MatMul runs on the CPU`; undefined while nothing is known. */
function labelOf({ bits, sigma, sensitivity, metric, synthetic, floatReason }: LayerFigures): string | undefined {
  if (floatReason !== undefined) {
    const label = `float: ${floatReason}`;
    return label.length <= maxHintLength ? label : `${label.slice(0, maxHintLength - 1).trimEnd()}…`;
  }
  const parts = [
    ...(bits === undefined ? [] : [bits === null ? "float" : `${bits} bits`]),
    ...(sigma === undefined ? [] : [`σ ${sigmaText(sigma)}`]),
    ...(sensitivity === undefined || metric === undefined
      ? []
      : [`${metric} ${synthetic ? "~" : ""}${formatSensitivity(sensitivity)}`]),
  ];
  while (parts.length > 1 && parts.join(", ").length > maxHintLength) parts.pop();
  return parts.length > 0 ? parts.join(", ") : undefined;
}

function sigmaText(sigma: number): string {
  return sigma >= 0.01 || sigma === 0 ? sigma.toFixed(3) : sigma.toPrecision(2);
}
