import { formatBytes, formatSeconds, grouped } from "../../core/plan/format.ts";
import { accuracyWords, dropOf } from "./accuracyText.ts";
import { budgetField, budgetHint, inFieldUnit } from "./budgetText.ts";
import type { Hint } from "./hint.ts";
import { escapeMarkdown } from "./markdown.ts";
import type { ProfileContext, ShownModel } from "./profileContext.ts";
import type { ProfileText } from "./profileText.ts";
import { endOf } from "./textEdits.ts";
import { plural } from "./words.ts";

/** From here on a size reads better in a larger unit than in bytes. */
const friendlyFromKiB = 1024;

/** Sizes in friendly units, and use against budget of the model that was last in use. In the order of the text. */
export function profileHints({ profile, models }: ProfileContext): readonly Hint[] {
  const [first] = models;
  return [
    ...sizeHints(profile),
    ...(first
      ? [...overheadHint(profile, first), ...budgetHints(profile, first), ...accuracyHint(profile, first)]
      : []),
  ].toSorted((a, b) => a.offset - b.offset);
}

function numberAt({ parsed }: ProfileText, path: readonly string[]): { value: number; end: number } | undefined {
  const place = parsed.locate(path);
  let value: unknown = parsed.text.value;
  for (const key of path) value = (value as Readonly<Record<string, unknown>> | undefined)?.[key];
  return place && typeof value === "number" ? { value, end: endOf(place) } : undefined;
}

function sizeHints(profile: ProfileText): readonly Hint[] {
  return ["weightMemoryKiB", "activationMemoryKiB"].flatMap((field): readonly Hint[] => {
    const size = numberAt(profile, ["memory", field]);
    if (!size || size.value <= 0) return [];
    const bytes = size.value * 1024;
    const label = size.value >= friendlyFromKiB ? formatBytes(bytes) : `${grouped(bytes)} bytes`;
    return [{ offset: size.end, label }];
  });
}

/** `23 layers: 0.64 ms` */
function overheadHint(profile: ProfileText, { model }: ShownModel): readonly Hint[] {
  const overhead = numberAt(profile, ["compute", "layerOverheadUs"]);
  if (!overhead) return [];
  const { layers } = model.known.prepared.discovery;
  const runs = layers.reduce((sum, { nodes }) => sum + Math.max(1, nodes.length), 0);
  const label = `${plural(runs, "layer")}: ${formatSeconds((runs * overhead.value) / 1e6)}`;
  return [{ offset: overhead.end, label, tooltip: escapeMarkdown(model.known.fileName) }];
}

function budgetHints(profile: ProfileText, { model, shown }: ShownModel): readonly Hint[] {
  return shown.budgets.flatMap((budget): readonly Hint[] => {
    const { name } = budget;
    const written = numberAt(profile, ["budgets", budgetField(name)]);
    if (!written || budget.limit === undefined) return [];
    // While a slip is being typed the figures are those of before it; beside another limit they would be wrong. A limit above
    // the device's memory is not in force either.
    if (Math.abs(inFieldUnit(name, budget.limit) - written.value) > 1e-3 * written.value) return [];
    const label = budgetHint(budget) ?? "no figure";
    return [{ offset: written.end, label, tooltip: whose(model.known.fileName, shown.fromPlan) }];
  });
}

/** `0.4 measured` */
function accuracyHint(profile: ProfileText, { model, shown }: ShownModel): readonly Hint[] {
  const { accuracy } = shown;
  const drop = accuracy && dropOf(accuracy);
  if (!accuracy || drop === undefined) return [];
  return (["maxDropPoints", "maxDropPercent"] as const).flatMap((field): readonly Hint[] => {
    const target = numberAt(profile, ["accuracy", field]);
    if (!target) return [];
    const lost = field === "maxDropPoints" ? drop : drop / Math.max(accuracy.float, Number.MIN_VALUE);
    const label = `${accuracy.synthetic ? "~" : ""}${grouped(lost * 100, 1)} ${accuracy.how}`;
    const tooltip = `${whose(model.known.fileName, shown.fromPlan)}: ${accuracyWords(accuracy)}`;
    return [{ offset: target.end, label, tooltip }];
  });
}

function whose(fileName: string, fromPlan: boolean): string {
  return `${escapeMarkdown(fileName)}, ${fromPlan ? "its plan" : "as it would be allocated now"}`;
}
