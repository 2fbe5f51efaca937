import { formatBytes } from "../../core/plan/format.ts";
import type { PlanContext } from "./planContext.ts";
import { endOf, type Span } from "./textEdits.ts";

/** A layer in the outline. */
export interface PlanSymbol extends Span {
  readonly name: string;
  /** `Conv, 4 bits, 2.52 KiB` */
  readonly detail: string;
  /** The layer's name in the text. */
  readonly nameSpan: Span;
}

/** The plan's layers, for the outline and "Go to Symbol". */
export function planSymbols({ plan: text, judged }: PlanContext): readonly PlanSymbol[] {
  return text.entries.flatMap((entry): readonly PlanSymbol[] => {
    const { name, index, offset, length } = entry;
    if (name === undefined || name === "") return [];
    const row = text.plan?.layers[index];
    const shown = judged?.assessment.rows.get(name);
    const type = shown?.opType ?? row?.opType ?? "";
    const bits = row === undefined ? [] : [row.weightBits === null ? "float" : `${row.weightBits} bits`];
    const parts = [
      ...(type === "" ? [] : [type]),
      ...bits,
      ...(shown ? [formatBytes(shown.bytes, 2)] : []),
      ...(row?.pinned ? ["pinned"] : []),
    ];
    return [{ offset, length, name, detail: parts.join(", "), nameSpan: text.place(entry, "name") }];
  });
}

/** Where a place of the plan leads to. */
export interface PlanTarget {
  /** What is underlined. */
  readonly from: Span;
  readonly uri: string;
  /** The layer that its editor is to show. */
  readonly layer?: string;
}

/** A layer's name and the model's lead to the model, the profile's to the profile. */
export function planTarget(context: PlanContext, offset: number): PlanTarget | undefined {
  const { plan: text, modelUri, profileUri, modelProblem, deviceProblem } = context;
  const within = (span: Span | undefined): span is Span =>
    span !== undefined && span.offset <= offset && offset <= endOf(span);
  const [model, profile] = [text.member("model")?.value, text.member("profile")?.value];
  const hasModel = modelUri !== undefined && modelProblem?.kind !== "missing";
  if (hasModel && within(model)) return { from: model, uri: modelUri };
  const hasProfile = profileUri !== undefined && deviceProblem?.kind !== "missing";
  if (hasProfile && within(profile)) return { from: profile, uri: profileUri };
  const entry = text.entryAt(offset);
  const name = entry && text.place(entry, "name");
  if (!hasModel || !entry?.name || !within(name) || name.length === entry.length) return undefined;
  return { from: name, uri: modelUri, layer: entry.name };
}
