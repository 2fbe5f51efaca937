import type { Bits } from "../../core/hardware/profile.ts";
import { inlineJson } from "../../core/plan/planFile.ts";
import type { Plan, PlanLayer } from "../../core/plan/types.ts";
import { removeMember, setMember } from "./jsonEdits.ts";
import { type JsonNode, jsonTree, memberOf } from "./jsonTree.ts";
import { type Assessment, assess } from "./onDevice.ts";
import type { JudgedPlan, PlanContext } from "./planContext.ts";
import type { PlanEntry, PlanText } from "./planText.ts";
import type { SpanEdit } from "./textEdits.ts";

/**
 * Whose figures are brought up to date: of the layers that change; of all whose bits were changed by hand; of all, also what follows
 * from model and samples, and the model's hash.
 */
export type RewriteReach = "changed" | "bits" | "everything";

/** Bits and pins that a plan is to have; layers that are not named keep theirs. */
export interface PlanChange {
  readonly bits?: ReadonlyMap<string, Bits | null>;
  readonly pinned?: ReadonlyMap<string, boolean>;
}

/** Members of a layer in the order of the file. */
const layerOrder = [
  "name",
  "opType",
  "weightBits",
  "activationBits",
  "pinned",
  "weightShape",
  "params",
  "macs",
  "sigma",
  "sensitivity",
  "bytes",
  "latencyS",
  "energyJ",
  "bops",
  "floatReason",
] as const satisfies readonly (keyof PlanLayer)[];
/** Those that follow from a layer's bits. */
const bitFigures = ["activationBits", "bytes", "latencyS", "energyJ", "bops", "floatReason"] as const;
/** Those that follow from model and samples. */
const modelFigures = ["opType", "weightShape", "params", "macs", "sigma", "sensitivity"] as const;

/**
 * Edits that change bits and pins, and bring the figures that follow from them up to date: costs of the layers that change, budgets,
 * verdict. What a plan does without (a plan written by hand has names and bits alone) it goes on doing without; order, layout
 * and comments stay.
 */
export function rewritePlan(
  { plan: text, judged }: PlanContext,
  change: PlanChange,
  reach: RewriteReach = "changed",
): readonly SpanEdit[] {
  const { plan } = text;
  if (!plan) return [];
  const bits = new Map<string, Bits | null>(
    plan.layers.map(({ name, weightBits }) => [
      name,
      change.bits?.has(name) ? (change.bits.get(name) ?? null) : weightBits,
    ]),
  );
  const next = judged && assess(judged.model, bits);
  const layers = text.entries.flatMap((entry): readonly SpanEdit[] => {
    const before = plan.layers[entry.index] as PlanLayer;
    const after: PlanLayer = {
      ...(next?.rows.get(before.name) ?? before),
      weightBits: bits.get(before.name) ?? null,
      pinned: change.pinned?.get(before.name) ?? before.pinned ?? false,
    };
    return layerEdits(text, entry, before, after, reach);
  });
  const sameBits = plan.layers.every(({ name, weightBits }) => bits.get(name) === weightBits);
  // A pin alone changes no figure.
  if (!judged || !next || (sameBits && reach === "changed")) return layers;
  return [...layers, ...totalsEdits(text, plan, judged, next, reach === "everything")];
}

function layerEdits(
  text: PlanText,
  entry: PlanEntry,
  before: PlanLayer,
  after: PlanLayer,
  reach: RewriteReach,
): readonly SpanEdit[] {
  const bitsChange = before.weightBits !== after.weightBits;
  const pinChanges = (before.pinned ?? false) !== after.pinned;
  const figures = reach === "everything" ? [...bitFigures, ...modelFigures] : bitFigures;
  if (!bitsChange && !pinChanges && reach === "changed") return [];
  // A plan written by hand says nothing of bytes; `completePlan` has filled in 0.
  const stale = before.bytes > 0 && figures.some((key) => !sameJson(before[key], after[key]));
  if (!bitsChange && !pinChanges && !stale) return [];
  const tree = text.tree(entry);
  if (!tree) return [];
  const edits: SpanEdit[] = [];
  for (const key of layerOrder) {
    if (key === "weightBits" && bitsChange) edits.push(...setLayerMember(text.text, tree, key, after.weightBits));
    else if (key === "pinned" && pinChanges)
      edits.push(...setLayerMember(text.text, tree, key, after.pinned || undefined));
    else if (stale && (figures as readonly string[]).includes(key) && !sameJson(before[key], after[key])) {
      edits.push(...setLayerMember(text.text, tree, key, after[key]));
    }
  }
  return edits;
}

/** @param value undefined takes the member out */
function setLayerMember(
  text: string,
  tree: JsonNode,
  key: (typeof layerOrder)[number],
  value: unknown,
): readonly SpanEdit[] {
  if (value === undefined) return removeMember(text, tree, key);
  return setMember(text, tree, key, inlineJson(value), layerOrder.slice(0, layerOrder.indexOf(key)));
}

function totalsEdits(
  text: PlanText,
  plan: Plan,
  { model }: JudgedPlan,
  next: Assessment,
  everything: boolean,
): readonly SpanEdit[] {
  const { optimum } = model.live();
  const { loss } = next;
  const certificate = optimum &&
    loss !== undefined && {
      loss,
      optimum: optimum.loss,
      bound: optimum.bound,
      gap: optimum.gap,
    };
  const { losses, state } = model;
  return [
    ...(everything ? memberEdits(text, "modelHash", plan.modelHash, state.modelHash ?? plan.modelHash) : []),
    ...(everything && losses
      ? [
          ...memberEdits(text, "sensitivityMetric", plan.sensitivityMetric, losses.metric),
          ...memberEdits(text, "synthetic", plan.synthetic, losses.synthetic),
        ]
      : []),
    ...memberEdits(text, "accuracy", plan.accuracy, next.accuracy),
    ...memberEdits(text, "verdict", plan.verdict, next.verdict),
    ...memberEdits(text, "certificate", plan.certificate, certificate || undefined),
    ...budgetEdits(text, plan, next),
  ];
}

/** Changes a member that the text has; one without a value goes, on whole lines. */
function memberEdits(text: PlanText, key: string, before: unknown, after: unknown): readonly SpanEdit[] {
  const member = text.member(key);
  if (!member || sameJson(before, after)) return [];
  if (after !== undefined) return [{ ...member.value, text: inlineJson(after) }];
  const root = outermost(text);
  return removeMember(text.text, root, key);
}

/** The outermost object with its members as leaves: enough to take one out. */
function outermost({ text, members }: PlanText): JsonNode {
  const children = members.map(({ key, keySpan, value }): JsonNode => {
    const name: JsonNode = { type: "string", value: key, ...keySpan };
    const length = value.offset + value.length - keySpan.offset;
    return { type: "property", offset: keySpan.offset, length, children: [name, { type: "null", ...value }] };
  });
  return { type: "object", offset: 0, length: text.length, children };
}

function budgetEdits(text: PlanText, plan: Plan, next: Assessment): readonly SpanEdit[] {
  const member = text.member("budgets");
  const list = member && jsonTree(text.text, member.value);
  return (list?.children ?? []).flatMap((entry): readonly SpanEdit[] => {
    const name = memberOf(entry, "name")?.value.value;
    const before = plan.budgets.find((budget) => budget.name === name);
    const after = next.budgets.find((budget) => budget.name === name);
    if (!before || !after) return [];
    return (["limit", "use"] as const).flatMap((key) => {
      if (sameJson(before[key], after[key])) return [];
      const value = after[key];
      if (value === undefined) return removeMember(text.text, entry, key);
      return setMember(text.text, entry, key, inlineJson(value), key === "limit" ? ["name"] : ["name", "limit"]);
    });
  });
}

/** Equal as the file would have them: figures with six digits. */
function sameJson(a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined) return a === b;
  return inlineJson(a) === inlineJson(b);
}
