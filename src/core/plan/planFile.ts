import { SigmaQuantError } from "../errors.ts";
import { parseJsonText } from "../hardware/jsonText.ts";
import { completePlan, planProblem } from "./planShape.ts";
import type { Plan, PlanLayer } from "./types.ts";

/**
 * Longest plan, UTF-16 units. One of 10,000 layers is about 5 MB. A text of as many numbers as fit takes 800 MiB as a tree with its
 * positions: more than this must not be in an editor's server.
 */
export const maxPlanLength = 16 * 2 ** 20;

/** Address of media/schemas/sigmaquant-plan.schema.json, as its $id says. */
const planSchema = "sigmaquant://schemas/sigmaquant-plan.json";

/** Figures in the file carry this many digits: enough to tell layers apart, few enough for a readable diff. */
const significantDigits = 6;

/**
 * The plan as text: stable order, one line a layer, a search step a line, so that a diff of two plans reads well.
 */
export function serializePlan(plan: Plan): string {
  const { layers, trace, budgets, ...rest } = plan;
  const members: string[] = Object.entries({
    $schema: planSchema,
    ...rest,
  })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `  ${JSON.stringify(key)}: ${inlineJson(value)}`);
  members.push(list("budgets", budgets), list("layers", layers), list("trace", trace));
  return `{\n${members.join(",\n")}\n}\n`;
}

function list(name: string, items: readonly object[]): string {
  if (items.length === 0) return `  ${JSON.stringify(name)}: []`;
  return `  ${JSON.stringify(name)}: [\n${items.map((item) => `    ${inlineJson(item)}`).join(",\n")}\n  ]`;
}

/** JSON on one line with spaces inside braces and rounded figures; what is no figure (a harm without bound) is left out. */
export function inlineJson(value: unknown): string {
  if (typeof value === "number") {
    if (!Number.isFinite(value)) return "null";
    return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(significantDigits)));
  }
  if (Array.isArray(value)) return `[${value.map(inlineJson).join(", ")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, v]) => v !== undefined && !(typeof v === "number" && !Number.isFinite(v)))
    .map(([k, v]) => `${JSON.stringify(k)}: ${inlineJson(v)}`);
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}

/** What a person may have changed in a plan: the bits and pins by layer name. */
export interface PlanDecisions {
  readonly bits: ReadonlyMap<string, PlanLayer["weightBits"]>;
  readonly pinned: ReadonlySet<string>;
}

export function decisionsOf(plan: Plan): PlanDecisions {
  return {
    bits: new Map(plan.layers.map((l) => [l.name, l.weightBits])),
    pinned: new Set(plan.layers.filter((l) => l.pinned).map((l) => l.name)),
  };
}

/**
 * Reads a plan file (JSON, comments allowed). Figures that a plan written by hand does without are completed: such a plan counts
 * as not checked.
 * @throws SQ5101 not JSON, SQ5102 not a plan; with line and column
 */
export function parsePlan(text: string, file: string): Plan {
  const json = parseJsonText(text, maxPlanLength);
  const [issue] = json.issues;
  if (issue) {
    throw new SigmaQuantError("SQ5101", "plan-syntax", issue.message, {
      remedy: issue.remedy,
      place: { file, line: issue.range.line, column: issue.range.column },
    });
  }
  const problem = planProblem(json.value);
  if (problem) {
    const at = json.locate(problem.path) ?? json.locate([]);
    throw new SigmaQuantError("SQ5102", "not-a-plan", problem.message, {
      remedy: "Correct it, or write the plan anew with `sigmaquant allocate`",
      place: { file, line: at?.line ?? 1, column: at?.column ?? 1 },
    });
  }
  return completePlan(json.value);
}
