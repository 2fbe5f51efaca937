import type { TextNode } from "../../core/onnx/textModel.ts";
import { formatBytes, formatCount, formatJoules, formatSeconds, formatSensitivity } from "../../core/plan/format.ts";
import { metricName } from "../../core/plan/summary.ts";
import type { LayerRow } from "../../protocol/editor.ts";
import { measuredTable } from "../losses.ts";
import { layerRow } from "../snapshot.ts";
import type { LanguageSession } from "./host.ts";
import { lensCommands } from "./lens.ts";
import { commandLink, escapeMarkdown, markdownTable } from "./markdown.ts";
import type { ModelTextContext } from "./modelTextContext.ts";
import { nodeAt } from "./modelTextPlaces.ts";
import type { Hover } from "./planHover.ts";

/** What is known of the node around an offset: of a layer its whole story, of others what it is and gives. */
export function modelTextHover(context: ModelTextContext, offset: number): Hover | undefined {
  const { made, session, modelUri } = context;
  const node = nodeAt(context, offset);
  if (!made || !node || offset > node.end) return undefined;
  const name = made.layers.get(node.path);
  const layer = session?.state.layers.find((each) => each.name === name);
  const parts =
    session && layer
      ? [
          ...layerParts(
            layerRow(session.state, layer, session.view, measuredTable(session.state).byLayer[layer.name]),
            session,
          ),
          commandLink("Show in table", lensCommands.showLayer, { uri: modelUri, layer: layer.name }),
        ]
      : [headOf(node, session)];
  const { offset: from } = node.span;
  return { offset: from, length: node.end - from, markdown: parts.join("\n\n") };
}

/** `**h1** Relu, 1×16×28×28` */
function headOf({ name, opType, outputs }: TextNode, session: LanguageSession | undefined): string {
  const [first = ""] = outputs;
  const shape = session?.state.prepared?.shapes.get(first);
  const facts = [escapeMarkdown(opType), ...(shape && shape.length > 0 ? [shape.join("×")] : [])];
  return `**${escapeMarkdown(name || first || opType)}** ${facts.join(", ")}`;
}

function layerParts(row: LayerRow, { state }: LanguageSession): readonly string[] {
  const facts = [
    escapeMarkdown(row.opType),
    ...(row.weightShape.length > 0 ? [row.weightShape.join("×")] : []),
    `${formatCount(row.params)} parameters`,
    ...(row.sigma === undefined ? [] : [`σ ${row.sigma.toFixed(4)}`]),
    ...(row.pinned ? ["pinned"] : []),
    ...(row.floatReason === undefined ? [] : [`in float: ${escapeMarkdown(row.floatReason)}`]),
  ];
  const costs = [
    ...(row.bytes === undefined ? [] : [formatBytes(row.bytes, 2)]),
    ...(row.macs === undefined ? [] : [`${formatCount(row.macs)} MACs`]),
    ...(row.latencyS === undefined ? [] : [formatSeconds(row.latencyS)]),
    ...(row.energyJ === undefined ? [] : [formatJoules(row.energyJ)]),
    ...(row.bops === undefined ? [] : [`${formatCount(row.bops)} bit operations`]),
  ];
  const { metric, synthetic } = measuredTable(state);
  const table = tableOf(row, synthetic);
  return [
    `**${escapeMarkdown(row.name)}** ${facts.join(", ")}`,
    ...(row.floatDetail === undefined ? [] : [escapeMarkdown(row.floatDetail)]),
    ...(table === undefined ? [] : [table]),
    ...(costs.length > 0 ? [costs.join(", ")] : []),
    ...(row.sensitivity ? [`Sensitivity: ${metricName(metric)}${synthetic ? ", on made-up samples" : ""}`] : []),
  ];
}

/** Sensitivity, error of the weights and size by bitwidth. */
function tableOf(row: LayerRow, synthetic: boolean): string | undefined {
  const { weightErrors = [], sensitivity = {}, bytesByBits, allowedBits, weightBits } = row;
  const bits = allowedBits.length > 0 ? allowedBits : weightErrors.map((error) => error.bits);
  if (row.floatReason !== undefined || bits.length === 0) return undefined;
  const measured = bits.some((each) => sensitivity[each] !== undefined);
  const figure = (value: number | undefined, mark = "") =>
    value === undefined ? "–" : `${mark}${formatSensitivity(value).replace("<", "\\<")}`;
  const rows = bits.map((each) => {
    const bytes = bytesByBits?.[each];
    const cells = [
      each === weightBits ? `${each} now` : String(each),
      ...(measured ? [figure(sensitivity[each], synthetic ? "~" : "")] : []),
      figure(weightErrors.find((error) => error.bits === each)?.kl),
      ...(bytesByBits ? [bytes === undefined ? "–" : (bytes / 1024).toFixed(2)] : []),
    ];
    return each === weightBits ? cells.map((cell) => `**${cell}**`) : cells;
  });
  const head = ["Bits", ...(measured ? ["Sensitivity"] : []), "KL of weights", ...(bytesByBits ? ["KiB"] : [])];
  return markdownTable(head, rows);
}
