import { resourceUnits } from "../hardware/budgets.ts";
import { resources } from "../hardware/profile.ts";
import type { BudgetUse, Plan, PlanLayer } from "./types.ts";

/** What is wrong with a plan, and where in its JSON. */
export interface PlanProblem {
  readonly message: string;
  readonly path: readonly (string | number)[];
  /** media/schemas/sigmaquant-plan.schema.json can't say it. */
  readonly beyondSchema?: true;
}

/** What a member may be; a list of texts: one of these. */
type Kind =
  | ("text" | "number" | "truth value" | "list" | "list of numbers" | "object" | "table of numbers")
  | readonly string[];
type Members = Readonly<Record<string, Kind>>;

const planMembers: Members = {
  model: "text",
  modelHash: "text",
  profile: "text",
  strategy: "text",
  activations: "object",
  sensitivityMetric: ["kl", "nmse", "loss", "weights"],
  synthetic: "truth value",
  layers: "list",
  budgets: "list",
  accuracy: "object",
  verdict: "object",
  trace: "list",
  certificate: "object",
};
const layerMembers: Members = {
  name: "text",
  opType: "text",
  pinned: "truth value",
  weightShape: "list of numbers",
  params: "number",
  macs: "number",
  sigma: "number",
  sensitivity: "table of numbers",
  bytes: "number",
  latencyS: "number",
  energyJ: "number",
  bops: "number",
  floatReason: "text",
};
const budgetMembers: Members = { name: resources, limit: "number", use: "number" };
const accuracyMembers: Members = {
  metric: ["top1", "agreement", "nmse"],
  float: "number",
  quantized: "number",
  samples: "number",
};
const activationMembers: Members = { quantized: "truth value", range: ["minmax", "percentile", "mse"] };
const verdictMembers: Members = { verdict: ["feasible", "infeasible"], headline: "text", detail: "text" };
const nearestMembers: Members = { budgets: "list", remedy: "text" };
const stepMembers: Members = { step: "number", zone: "text", changes: "list", drop: "number", weightMemory: "number" };
const changeMembers: Members = { layer: "text", from: "number", to: "number" };
const certificateMembers: Members = { loss: "number", optimum: "number", bound: "number", gap: "number" };

/** Shape check of what the program itself relies on; the schema has the rest. */
export function planProblem(value: unknown): PlanProblem | undefined {
  if (!is("object", value)) return { message: "the file holds no JSON object", path: [] };
  const plan = value as Partial<Record<keyof Plan, unknown>>;
  if (plan.version !== 1) {
    const found = JSON.stringify(plan.version) ?? "missing";
    return { message: `version is ${found}; this program reads version 1`, path: ["version"] };
  }
  for (const key of ["model", "profile", "layers"] as const) {
    if (plan[key] === undefined) return { message: `${key} is missing`, path: [] };
  }
  return (
    wrongMember(plan, planMembers, "", []) ??
    layersProblem(plan.layers as readonly unknown[]) ??
    listProblem(plan.budgets, budgetMembers, "budget", ["budgets"], ["name"]) ??
    traceProblem(plan.trace) ??
    partProblem(plan.activations, activationMembers, ["activations"]) ??
    partProblem(plan.accuracy, accuracyMembers, ["accuracy"]) ??
    verdictProblem(plan.verdict) ??
    partProblem(plan.certificate, certificateMembers, ["certificate"])
  );
}

function traceProblem(trace: unknown): PlanProblem | undefined {
  const wrong = listProblem(trace, stepMembers, "step", ["trace"], Object.keys(stepMembers));
  if (wrong) return wrong;
  for (const [i, step] of ((trace ?? []) as readonly { readonly changes: unknown }[]).entries()) {
    const found = listProblem(
      step.changes,
      changeMembers,
      "change",
      ["trace", i, "changes"],
      Object.keys(changeMembers),
    );
    if (found) return found;
  }
  return undefined;
}

function verdictProblem(verdict: unknown): PlanProblem | undefined {
  const wrong = partProblem(verdict, verdictMembers, ["verdict"]);
  const { nearest } = (verdict ?? {}) as { readonly nearest?: unknown };
  if (wrong || nearest === undefined) return wrong;
  const path = ["verdict", "nearest"];
  const { budgets } = (nearest ?? {}) as { readonly budgets?: unknown };
  return (
    partProblem(nearest, nearestMembers, path) ??
    listProblem(budgets, budgetMembers, "budget", [...path, "budgets"], ["name"])
  );
}

function layersProblem(layers: readonly unknown[]): PlanProblem | undefined {
  const names = new Set<string>();
  for (const [i, layer] of layers.entries()) {
    const path = ["layers", i];
    const entry = (layer ?? {}) as Partial<PlanLayer>;
    if (typeof entry.name !== "string") return { message: `layer ${i + 1} has no name`, path };
    if (names.has(entry.name)) {
      return { message: `layer ${entry.name} is there twice`, path: [...path, "name"], beyondSchema: true };
    }
    names.add(entry.name);
    const bits = entry.weightBits;
    if (bits === undefined) return { message: `layer ${entry.name} has no weightBits`, path };
    if (bits !== null && !(Number.isInteger(bits) && bits >= 2 && bits <= 8)) {
      const message = `weightBits of ${entry.name} must be 2 to 8, or null for float`;
      return { message, path: [...path, "weightBits"] };
    }
    const wrong = wrongMember(entry, layerMembers, ` of ${entry.name}`, path);
    if (wrong) return wrong;
  }
  return undefined;
}

function listProblem(
  list: unknown,
  members: Members,
  word: string,
  path: PlanProblem["path"],
  required: readonly string[],
): PlanProblem | undefined {
  for (const [i, entry] of ((list ?? []) as readonly unknown[]).entries()) {
    const found = entryProblem(entry, members, `${word} ${i + 1}`, [...path, i], required);
    if (found) return found;
  }
  return undefined;
}

function partProblem(part: unknown, members: Members, path: PlanProblem["path"]): PlanProblem | undefined {
  if (part === undefined) return undefined;
  return entryProblem(part, members, String(path.at(-1)), path, Object.keys(members));
}

function entryProblem(
  entry: unknown,
  members: Members,
  word: string,
  path: PlanProblem["path"],
  required: readonly string[],
): PlanProblem | undefined {
  if (!is("object", entry)) return { message: `${word} is no object`, path };
  const missing = required.find((key) => (entry as Record<string, unknown>)[key] === undefined);
  if (missing !== undefined) return { message: `${word} has no ${missing}`, path };
  return wrongMember(entry as object, members, ` of ${word}`, path);
}

function wrongMember(
  entry: object,
  members: Members,
  whose: string,
  path: PlanProblem["path"],
): PlanProblem | undefined {
  for (const [key, kind] of Object.entries(members)) {
    const value = (entry as Record<string, unknown>)[key];
    if (value === undefined || is(kind, value)) continue;
    const wanted = typeof kind === "string" ? `is no ${kind}` : `must be one of ${kind.join(", ")}`;
    return { message: `${key}${whose} ${wanted}`, path: [...path, key] };
  }
  return undefined;
}

function is(kind: Kind, value: unknown): boolean {
  if (typeof kind !== "string") return typeof value === "string" && kind.includes(value);
  switch (kind) {
    case "text":
      return typeof value === "string";
    case "number":
      return typeof value === "number";
    case "truth value":
      return typeof value === "boolean";
    case "list":
      return Array.isArray(value);
    case "list of numbers":
      return Array.isArray(value) && value.every((item) => typeof item === "number");
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "table of numbers":
      return is("object", value) && Object.values(value as object).every((item) => typeof item === "number");
  }
}

const unchecked = {
  verdict: "infeasible",
  headline: "Not checked",
  detail: "the plan has no figures; `sigmaquant allocate --pins` makes one that has",
} as const;

const uncounted = { opType: "", activationBits: null, weightShape: [], params: 0, bytes: 0 } as const;

/**
 * A plan with all its members: a person may write one with no more than each layer's name and bits.
 * @param value one that `planProblem` finds nothing wrong with
 */
export function completePlan(value: unknown): Plan {
  const { layers, budgets = [], ...plan } = value as Partial<Plan> & Pick<Plan, "layers">;
  return {
    version: 1,
    model: "",
    modelHash: "",
    profile: "",
    strategy: "sigmaquant",
    activations: { quantized: true, range: "percentile" },
    sensitivityMetric: "weights",
    synthetic: false,
    verdict: unchecked,
    trace: [],
    ...plan,
    budgets: budgets.map((budget): BudgetUse => ({ ...budget, unit: resourceUnits[budget.name] })),
    layers: layers.map((layer): PlanLayer => ({ ...uncounted, ...layer })),
  };
}
