import type { Bits } from "../../core/hardware/profile.ts";
import type { PlanLayer } from "../../core/plan/types.ts";
import type { Fix } from "./finding.ts";
import type { JudgedPlan, PlanContext } from "./planContext.ts";
import { type PlanChange, rewritePlan } from "./planRewrite.ts";
import type { Span } from "./textEdits.ts";
import { plural } from "./words.ts";

/** What can be done with the layers on some lines: one bitwidth up or down, pinned or not, as recommended, the others around them. */
export function planActions(context: PlanContext, span: Span): readonly Fix[] {
  const { plan } = context.plan;
  if (!plan) return [];
  const layers = context.plan.entriesIn(span).flatMap(({ index }) => plan.layers[index] ?? []);
  if (layers.length === 0) return [];
  return [
    ...stepActions(context, layers),
    ...pinActions(context, layers),
    ...resetActions(context, layers),
    ...reallocateActions(context),
  ];
}

/** All layers but the pinned ones anew; nothing where no harm is known, or nothing would change. */
export function reallocateActions(context: PlanContext): readonly Fix[] {
  const { judged } = context;
  if (!judged?.model.losses || judged.model.problem) return [];
  const pins = (context.plan.plan?.layers ?? []).filter(({ pinned }) => pinned).length;
  const title = pins > 0 ? "Re-allocate the rest around the pins" : "Re-allocate all layers";
  const { bits } = judged.model.live();
  const now = context.plan.plan?.layers ?? [];
  if (now.every(({ name, weightBits }) => !judged.layers.has(name) || (bits.get(name) ?? null) === weightBits))
    return [];
  return [{ title, edits: rewritePlan(context, { bits }, "bits") }];
}

function stepActions(context: PlanContext, layers: readonly PlanLayer[]): readonly Fix[] {
  const { judged } = context;
  if (!judged) return [];
  return ([1, -1] as const).flatMap((direction): readonly Fix[] => {
    const bits = new Map<string, Bits>();
    const pinned = new Map<string, boolean>();
    for (const { name, weightBits } of layers) {
      const { bits: choices, tied } = judged.choices(name);
      const next = nextBits(choices, weightBits, direction);
      if (next === undefined) continue;
      // Layers that share their bits go along; the pin on one holds them all.
      for (const each of tied) bits.set(each, next);
      pinned.set(name, true);
    }
    const [first] = pinned.keys();
    if (first === undefined) return [];
    const verb = direction > 0 ? "Raise" : "Lower";
    const many = `${verb} ${plural(pinned.size, "layer")} by one bitwidth`;
    return action(context, pinned.size > 1 ? many : `${verb} ${first} to ${bits.get(first)} bits`, { bits, pinned });
  });
}

/** The next wider or narrower of the bits that a layer may have; float is wider than all of them. */
function nextBits(choices: readonly Bits[], now: Bits | null, direction: 1 | -1): Bits | undefined {
  if (now === null) return direction < 0 ? choices.at(-1) : undefined;
  return direction > 0 ? choices.find((bits) => bits > now) : choices.findLast((bits) => bits < now);
}

function pinActions(context: PlanContext, layers: readonly PlanLayer[]): readonly Fix[] {
  const some = (wanted: boolean): readonly Fix[] => {
    const names = layers.filter(({ pinned = false }) => pinned !== wanted).map(({ name }) => name);
    const [first] = names;
    if (first === undefined) return [];
    const verb = wanted ? "Pin" : "Unpin";
    const title = names.length > 1 ? `${verb} ${plural(names.length, "layer")}` : `${verb} ${first}`;
    return action(context, title, { pinned: new Map(names.map((name) => [name, wanted])) });
  };
  return [...some(true), ...some(false)];
}

/** Bits as the allocation gives them without the pins on these layers. */
function resetActions(context: PlanContext, layers: readonly PlanLayer[]): readonly Fix[] {
  const { judged } = context;
  if (!judged?.model.losses) return [];
  const names = layers.map(({ name }) => name).filter((name) => judged.layers.has(name));
  const recommended = recommendedBits(judged, new Set(names));
  const changed = layers.filter(
    ({ name, weightBits, pinned = false }) =>
      judged.layers.has(name) && (pinned || (recommended.get(name) ?? null) !== weightBits),
  );
  const [first] = changed;
  if (!first) return [];
  const bits = new Map<string, Bits | null>();
  for (const { name } of changed) {
    for (const each of judged.choices(name).tied) bits.set(each, recommended.get(name) ?? null);
  }
  const wanted = recommended.get(first.name) ?? null;
  const title =
    changed.length > 1
      ? `Reset ${plural(changed.length, "layer")} to the recommended bits`
      : `Reset ${first.name} to the recommended ${wanted === null ? "float" : `${wanted} bits`}`;
  return action(context, title, { bits, pinned: new Map(changed.map(({ name }) => [name, false])) });
}

function recommendedBits({ model }: JudgedPlan, freed: ReadonlySet<string>): ReadonlyMap<string, Bits | null> {
  const pins = model.fit.input.pins ?? new Map<string, Bits | null>();
  const pinned = [...freed].some((name) => pins.has(name));
  if (!pinned) return model.live().bits;
  return model.liveWith(new Map([...pins].filter(([name]) => !freed.has(name)))).bits;
}

function action(context: PlanContext, title: string, change: PlanChange): readonly Fix[] {
  const edits = rewritePlan(context, change);
  return edits.length > 0 ? [{ title, edits }] : [];
}
