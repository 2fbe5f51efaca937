import { assertNever, sentences } from "../../core/errors.ts";
import { capacitiesOf, resourceUnits } from "../../core/hardware/budgets.ts";
import { type HardwareProfile, type Resource, resources } from "../../core/hardware/profile.ts";
import { resourceName } from "../../core/plan/format.ts";
import { planBits } from "../displayed.ts";
import { budgetFields } from "../profileEdits.ts";
import { roundedUp } from "../remedies.ts";
import { budgetField, fieldAmount, inFieldUnit } from "./budgetText.ts";
import { type MeantBudget, meantBudget } from "./budgetUnits.ts";
import { leastLimit, nearestLimits } from "./feasible.ts";
import type { Finding, Fix } from "./finding.ts";
import { removeMember, replaceNode, setPath } from "./jsonEdits.ts";
import { jsonTree, memberOf } from "./jsonTree.ts";
import { type ModelOnDevice, unreachable } from "./onDevice.ts";
import { type ProfileText, placeOf } from "./profileText.ts";
import { applySpanEdits, differenceOf, type Span, type SpanEdit } from "./textEdits.ts";
import { listed } from "./words.ts";

/**
 * Budgets that no mix of bits can keep for a model: SQ3102 where one can't by itself (SQ3107 where its unit looks wrong), SQ3103
 * where they can't all at once.
 */
export function budgetFindings(profile: ProfileText, model: ModelOnDevice): readonly Finding[] {
  const over = unreachable(model);
  if (over.size > 0) return [...over].map(([resource, use]) => unreachableFinding(profile, model, resource, use));
  if (!model.live().smallest) return [];
  return [conflictFinding(profile, model)];
}

/** Budgets that are a thousand times more than any of the models takes, so that their unit may be wrong (SQ3107), or that just do not bind. */
export function roomyFindings(profile: ProfileText, models: readonly ModelOnDevice[]): readonly Finding[] {
  const [first] = models;
  if (!first) return [];
  return resources.flatMap((resource): readonly Finding[] => {
    const place = profile.parsed.locate(["budgets", budgetField(resource)]);
    const capacity = capacitiesOf(first.device.profile)[resource];
    const budget = first.device.profile.budgets[budgetField(resource) as keyof HardwareProfile["budgets"]];
    // More than the device has is said by itself.
    if (!place || budget === undefined || (capacity !== undefined && budget > inFieldUnit(resource, capacity)))
      return [];
    const meant = models.map((model) => meantBudget(model, resource));
    const [least] = meant;
    if (!least || meant.some((each) => each === undefined || each.times < 1)) return [];
    const what = `${fieldAmount(resource, amountOf(resource, budget))} is ${Math.round(least.times)} times the most that ${first.known.fileName} takes`;
    return [unitFinding(place, "information", what, least, () => [changeTo(place, least)])];
  });
}

/** A budget of a field in the program's unit. */
function amountOf(resource: Resource, inField: number): number {
  return inField / budgetFields[resource].perUnit;
}

function changeTo(place: Span, { value }: MeantBudget): Fix {
  return { title: `Change to ${value}`, edits: [replaceNode(place, String(value))], preferred: true };
}

function unitFinding(
  { offset, length }: Span,
  severity: Finding["severity"],
  what: string,
  { unit, value }: MeantBudget,
  fixes: () => readonly Fix[],
): Finding {
  const message = sentences(what, `It looks like ${unit}: write ${value}`);
  return { offset, length, code: "SQ3107", slug: "budget-unit", severity, message, fixes };
}

/** Edits that give budgets other limits, in the program's units. */
export function budgetEdits({ text }: ProfileText, limits: ReadonlyMap<Resource, number>): readonly SpanEdit[] {
  let edited = text;
  // One after the other: the first may make the section that the next goes into.
  for (const [resource, limit] of limits) {
    const root = jsonTree(edited);
    if (!root) return [];
    const path = ["budgets", budgetField(resource)];
    edited = applySpanEdits(edited, setPath(edited, root, path, String(inFieldUnit(resource, limit))));
  }
  return differenceOf(text, edited);
}

function unreachableFinding(profile: ProfileText, model: ModelOnDevice, resource: Resource, use: number): Finding {
  const limit = model.fit.input.limits[resource] as number;
  const isBudget = isOwnBudget(model, resource, limit);
  const { offset, length } = placeOf(profile, [isBudget ? "budgets" : "memory", budgetField(resource)]);
  const [what, best] = sentencesOf(model, resource, fieldAmount(resource, limit));
  const place = isBudget ? profile.parsed.locate(["budgets", budgetField(resource)]) : undefined;
  const meant = place && meantBudget(model, resource);
  if (place && meant) {
    return unitFinding(place, "error", what, meant, () => [
      changeTo(place, meant),
      ...raiseFixes(profile, model, resource, limit).map(({ title, edits }) => ({ title, edits })),
    ]);
  }
  return {
    offset,
    length,
    code: "SQ3102",
    slug: "budget-unreachable",
    severity: "error",
    message: sentences(what, `${best} ${fieldAmount(resource, roundedUp(resource, use))}`),
    // What a device has is no wish: its memory is not raised by writing another figure.
    fixes: () => (isBudget ? raiseFixes(profile, model, resource, limit) : []),
  };
}

function conflictFinding(profile: ProfileText, model: ModelOnDevice): Finding {
  const { offset, length } = profile.parsed.locate(["budgets"], "key") ?? placeOf(profile, ["budgets"]);
  const needs = [...nearestLimits(model)].map(
    ([resource, use]) =>
      `${fieldAmount(resource, use)} of ${fieldAmount(resource, model.fit.input.limits[resource] as number)} ${resourceName(resource)}`,
  );
  return {
    offset,
    length,
    code: "SQ3103",
    slug: "budgets-conflict",
    severity: "error",
    message: sentences(
      `${mixOf(model)} keeps all budgets at once for ${model.known.fileName}, though each can be kept by itself`,
      `The nearest plan takes ${listed(needs)}`,
    ),
    fixes: () => [
      ...[...nearestLimits(model).keys()].flatMap((resource) => raiseToLeast(profile, model, resource)),
      ...raiseAll(profile, model),
    ],
  };
}

/** The limit is the budget that is written, not the device's memory, which is the lower of the two then. */
function isOwnBudget({ device }: ModelOnDevice, resource: Resource, limit: number): boolean {
  const budget = (device.profile.budgets as Readonly<Record<string, number | undefined>>)[budgetField(resource)];
  if (budget === undefined) return false;
  const written = amountOf(resource, budget);
  // Fractions of a byte are cut off.
  return Math.abs(limit - written) < (resourceUnits[resource] === "B" ? 1 : 1e-9 * written);
}

function mixOf({ device, fit }: ModelOnDevice): string {
  const { weightBits } = device.profile;
  const around = (fit.input.pins?.size ?? 0) > 0 ? " around the plan's pins" : "";
  return weightBits.length === 1
    ? `No plan at ${weightBits[0]} bits${around}`
    : `No mix of ${listed(weightBits)} bits${around}`;
}

/** What can't be, and how the least that can be is called. */
function sentencesOf(model: ModelOnDevice, resource: Resource, limit: string): readonly [string, string] {
  const { fileName } = model.known;
  switch (resource) {
    case "weightMemory":
      return [`${mixOf(model)} stores ${fileName} in ${limit}`, "The smallest plan takes"];
    case "latency":
      return [`${mixOf(model)} runs ${fileName} in ${limit} on this device`, "The fastest plan takes"];
    case "energy":
      return [`${mixOf(model)} runs ${fileName} with ${limit} on this device`, "The most frugal plan takes"];
    case "bops":
      return [`${mixOf(model)} runs ${fileName} in ${limit} bit operations`, "The smallest plan takes"];
    case "activationMemory":
      return [
        `The activations of ${fileName} do not fit into ${limit}, whatever the bits of its weights`,
        "At their peak they take",
      ];
    default:
      return assertNever(resource);
  }
}

function raiseFixes(profile: ProfileText, model: ModelOnDevice, resource: Resource, limit: number): readonly Fix[] {
  const least = raiseToLeast(profile, model, resource);
  return [
    ...(least.length > 0 ? least : raiseAll(profile, model)),
    ...raiseToPlan(profile, model, resource, limit, leastOf(least)),
    ...removeBudget(profile, resource),
  ];
}

interface RaiseFix extends Fix {
  readonly limit: number;
}

function leastOf([fix]: readonly RaiseFix[]): number {
  return fix?.limit ?? 0;
}

function raiseToLeast(profile: ProfileText, model: ModelOnDevice, resource: Resource): readonly RaiseFix[] {
  const limit = leastLimit(model, resource);
  if (limit === undefined) return [];
  const title = `Raise ${budgetField(resource)} to ${inFieldUnit(resource, limit)}, the smallest that fits`;
  return [{ title, edits: budgetEdits(profile, new Map([[resource, limit]])), preferred: true, limit }];
}

/** Where raising one budget is not enough. */
function raiseAll(profile: ProfileText, model: ModelOnDevice): readonly Fix[] {
  const limits = nearestLimits(model);
  if (limits.size < 2) return [];
  const raised = [...limits].map(([resource, limit]) => `${budgetField(resource)} to ${inFieldUnit(resource, limit)}`);
  return [{ title: `Raise ${listed(raised)}, the nearest that fit`, edits: budgetEdits(profile, limits) }];
}

function raiseToPlan(
  profile: ProfileText,
  { state, fit }: ModelOnDevice,
  resource: Resource,
  limit: number,
  least: number,
): readonly Fix[] {
  if (!state.plan) return [];
  const use = fit.budgets(planBits(state.plan.plan)).find(({ name }) => name === resource)?.use;
  if (use === undefined || use <= limit) return [];
  const raised = roundedUp(resource, use);
  if (raised <= least) return [];
  const title = `Raise ${budgetField(resource)} to ${inFieldUnit(resource, raised)}, the current plan's`;
  return [{ title, edits: budgetEdits(profile, new Map([[resource, raised]])) }];
}

function removeBudget({ root, text }: ProfileText, resource: Resource): readonly Fix[] {
  const budgets = memberOf(root, "budgets")?.value;
  if (!budgets || !memberOf(budgets, budgetField(resource))) return [];
  const title = `Remove the budget for ${resourceName(resource)}`;
  return [{ title, edits: removeMember(text, budgets, budgetField(resource)) }];
}
