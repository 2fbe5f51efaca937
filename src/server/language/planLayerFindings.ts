import { allowedBits, deviceFloatReason } from "../../core/hardware/allowedBits.ts";
import { didYouMean } from "../../core/hardware/didYouMean.ts";
import type { Bits } from "../../core/hardware/profile.ts";
import type { Layer } from "../../core/model/layer.ts";
import { inlineJson } from "../../core/plan/planFile.ts";
import type { Plan, PlanLayer } from "../../core/plan/types.ts";
import type { Finding, Fix } from "./finding.ts";
import { insertEntry, removeEntry } from "./jsonEdits.ts";
import { lineEnd } from "./jsonLayout.ts";
import type { JudgedPlan, PlanContext } from "./planContext.ts";
import { changeTo, planFinding } from "./planProblems.ts";
import { rewritePlan } from "./planRewrite.ts";
import type { PlanEntry } from "./planText.ts";
import { listed, listedAtMost, plural } from "./words.ts";

/** Layers named in one message; the rest is counted. */
const maxNamed = 3;

/** What a plan's layers have against model and device: unknown, missing, bits that the device lacks or that are to be shared. */
export function planLayerFindings(context: PlanContext, plan: Plan, judged: JudgedPlan): readonly Finding[] {
  return [
    ...layerFindings(context, plan, judged),
    ...missingFindings(context, plan, judged),
    ...tiedFindings(context, plan, judged),
  ];
}

function layerFindings(context: PlanContext, plan: Plan, judged: JudgedPlan): readonly Finding[] {
  return plan.layers.flatMap((row, index): readonly Finding[] => {
    const entry = context.plan.entries[index];
    if (!entry) return [];
    const layer = judged.layers.get(row.name);
    if (!layer) return [unknownLayer(context, entry, row.name, judged)];
    return row.weightBits === null ? [] : bitsFindings(context, entry, row, row.weightBits, layer, judged);
  });
}

function unknownLayer(context: PlanContext, entry: PlanEntry, name: string, judged: JudgedPlan): Finding {
  const { plan } = context;
  const free = [...judged.layers.keys()].filter((each) => !plan.entryOf(each));
  const meant = didYouMean(name, free);
  const what = `${judged.model.known.fileName} has no layer ${name}`;
  const remedy = meant === undefined ? "Remove it; it counts for nothing" : `Did you mean ${meant}?`;
  const place = plan.place(entry, "name");
  return planFinding("SQ5113", "warning", place, what, remedy, () => {
    const list = listNode(context);
    const remove = list && { title: `Remove ${name}`, edits: removeEntry(plan.text, list, entry.index) };
    return [...(meant === undefined ? [] : [changeTo(place, JSON.stringify(meant))]), ...(remove ? [remove] : [])];
  });
}

/** The list of layers with its items as leaves. */
function listNode({ plan }: PlanContext) {
  const member = plan.member("layers");
  if (!member) return undefined;
  const children = plan.entries.map(({ offset, length }) => ({ type: "object" as const, offset, length }));
  return { type: "array" as const, ...member.value, children };
}

function bitsFindings(
  context: PlanContext,
  entry: PlanEntry,
  { name, pinned }: PlanLayer,
  bits: Bits,
  layer: Layer,
  { model }: JudgedPlan,
): readonly Finding[] {
  const { profile } = model.device;
  const allowed = allowedBits(layer, profile);
  if (allowed.includes(bits)) return [];
  const place = context.plan.place(entry, "weightBits");
  const instead = (wanted: Bits | null, title: string): readonly Fix[] => {
    const edits = rewritePlan(context, { bits: new Map([[name, wanted]]) });
    return [{ title, edits, preferred: true }];
  };
  if (allowed.length === 0) {
    const reason = layer.floatReason ?? deviceFloatReason(layer.opType, profile) ?? "the device has no bits for it";
    return [
      planFinding("SQ5112", "warning", place, `${name} stays in float: ${reason}`, "Write null", () =>
        instead(null, `Keep ${name} in float`),
      ),
    ];
  }
  const nearest = allowed.find((each) => each >= bits) ?? (allowed.at(-1) as Bits);
  const what = `${profile.name} has no ${bits}-bit weights for ${layer.opType}: it has ${listed(allowed)}`;
  const remedy = `${pinned ? "While it is pinned so, no pin is kept. " : ""}Choose one of them`;
  return [
    planFinding("SQ5112", "warning", place, what, remedy, () =>
      instead(nearest, `Change ${name} to ${nearest} bits, the nearest that ${profile.name} has`),
    ),
  ];
}

function missingFindings(context: PlanContext, plan: Plan, judged: JudgedPlan): readonly Finding[] {
  const named = new Set(plan.layers.map(({ name }) => name));
  const missing = [...judged.layers.values()].filter(
    ({ name, floatReason }) => floatReason === undefined && !named.has(name),
  );
  const member = context.plan.member("layers");
  if (missing.length === 0 || !member) return [];
  const names = missing.map(({ name }) => name);
  const stay = missing.length === 1 ? "It stays in float" : "They stay in float";
  const what = `${plural(missing.length, "layer")} of ${judged.model.known.fileName} ${missing.length === 1 ? "is" : "are"} not in this plan: ${listedAtMost(names, maxNamed)}`;
  return [
    planFinding(
      "SQ5114",
      "warning",
      member.keySpan,
      what,
      `${stay}; add ${missing.length === 1 ? "it" : "them"}`,
      () => [
        {
          title: `Add ${missing.length === 1 ? names[0] : plural(missing.length, "layer")}`,
          edits: additions(context, names, judged),
        },
      ],
    ),
  ];
}

/** New entries at the end of the list, with the bits that the allocation gives them; with figures where the others have them. */
function additions(context: PlanContext, names: readonly string[], { model, assessment }: JudgedPlan) {
  const { plan } = context;
  const list = listNode(context);
  if (!list) return [];
  const bare = (plan.plan?.layers ?? []).every(({ bytes }) => bytes === 0);
  const { bits } = model.live();
  const rows = new Map(
    model.fit
      .rows(
        new Map([...assessment.bits, ...names.map((name) => [name, bits.get(name) ?? null] as const)]),
        model.state.statistics,
        model.losses?.byLayer ?? {},
      )
      .map((row) => [row.name, row]),
  );
  const entries = names.map((name) => {
    const row = rows.get(name);
    return inlineJson(bare || !row ? { name, weightBits: bits.get(name) ?? null } : row);
  });
  const [first, ...rest] = entries;
  if (first === undefined) return [];
  // As one entry of several lines: they all go behind the same one.
  const indent = /[\r\n]([ \t]*)$/.exec(plan.text.slice(0, list.children.at(-1)?.offset ?? 0))?.[1];
  const gap = indent === undefined ? ", " : `,${lineEnd(plan.text)}${indent}`;
  return insertEntry(plan.text, list, list.children.length, [first, ...rest].join(gap));
}

function tiedFindings(context: PlanContext, plan: Plan, judged: JudgedPlan): readonly Finding[] {
  const bits = new Map(plan.layers.map(({ name, weightBits }) => [name, weightBits]));
  return plan.layers.flatMap(({ name, weightBits }, index): readonly Finding[] => {
    const { tied } = judged.choices(name);
    const [leader] = tied;
    const entry = context.plan.entries[index];
    if (tied.length < 2 || leader === undefined || leader === name || !entry) return [];
    const wanted = bits.get(leader);
    if (wanted === undefined || wanted === weightBits) return [];
    const words = (each: Bits | null) => (each === null ? "float" : `${each} bits`);
    const what = `${name} and ${leader} share their bits on ${judged.model.device.profile.name}, but have ${words(weightBits)} and ${words(wanted)}`;
    return [
      planFinding("SQ5118", "warning", context.plan.place(entry, "weightBits"), what, "Give both the same", () => [
        {
          title: `Change ${name} to ${words(wanted)}, as ${leader} has`,
          edits: rewritePlan(context, { bits: new Map([[name, wanted]]) }),
          preferred: true,
        },
      ]),
    ];
  });
}
