import { type JsonText, parseJsonText } from "../../core/hardware/jsonText.ts";
import { maxPlanLength } from "../../core/plan/planFile.ts";
import { completePlan, planProblem } from "../../core/plan/planShape.ts";
import type { Plan } from "../../core/plan/types.ts";
import { endOfLine, startOfLine } from "./jsonLayout.ts";
import { itemsOf, membersOf, type OutlineMember } from "./jsonOutline.ts";
import { type JsonNode, jsonTree, memberOf } from "./jsonTree.ts";
import { endOf, type Span } from "./textEdits.ts";

/** Why a text is no plan: what `parsePlan` throws, with its place. */
export interface PlanTextProblem extends Span {
  readonly code: "SQ5101" | "SQ5102";
  readonly slug: string;
  readonly message: string;
  readonly remedy: string;
  /** As of a finding. */
  readonly inSchema: boolean;
}

/** A layer's entry in the text. */
export interface PlanEntry extends Span {
  readonly index: number;
  /** Undefined while it has none. */
  readonly name: string | undefined;
}

/** A plan as it is typed, with the places of its parts. */
export interface PlanText {
  readonly text: string;
  /** Absent when there is a problem. */
  readonly plan?: Plan;
  readonly problem?: PlanTextProblem;
  /** Those of the list of layers, as far as they can be told where the text is broken. */
  readonly entries: readonly PlanEntry[];
  /** Members of the outermost object, in order. */
  readonly members: readonly OutlineMember[];
  /** The last member of the outermost object with a key. */
  member(key: string): OutlineMember | undefined;
  /** The entry around an offset, or on its line. */
  entryAt(offset: number): PlanEntry | undefined;
  /** The entries of the lines that a piece of the text touches. */
  entriesIn(span: Span): readonly PlanEntry[];
  entryOf(layer: string): PlanEntry | undefined;
  /** The tree of an entry, parsed when it is first asked for. */
  tree(entry: PlanEntry): JsonNode | undefined;
  /** Place of a member of an entry: of its value, else of the entry. */
  place(entry: PlanEntry, key: string, part?: "key" | "value"): Span;
}

/** Reads a plan. Never throws: a problem comes with its place, and what can be told of the layers is there all the same. */
export function readPlanText(text: string): PlanText {
  const json = parseJsonText(text, maxPlanLength);
  const problem = problemOf(json);
  const members = membersOf(text);
  const byKey = new Map(members.map((member) => [member.key, member]));
  const list = byKey.get("layers");
  const spans = list ? itemsOf(text, list.value) : [];
  const names = namesOf(json.value);
  const entries = spans.map((span, index): PlanEntry => ({ ...span, index, name: names?.[index] }));
  const trees = new Map<number, JsonNode | undefined>();
  const tree = (entry: PlanEntry): JsonNode | undefined => {
    if (!trees.has(entry.index)) trees.set(entry.index, jsonTree(text, entry));
    return trees.get(entry.index);
  };
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const entriesIn = (span: Span): readonly PlanEntry[] => {
    const from = startOfLine(text, span.offset);
    const to = endOfLine(text, endOf(span));
    return entries.filter((entry) => entry.offset < to && endOf(entry) > from);
  };
  return {
    text,
    ...(problem ? { problem } : { plan: completePlan(json.value) }),
    entries,
    members,
    member: (key) => byKey.get(key),
    entryAt: (offset) => {
      const around = entries.find((entry) => entry.offset <= offset && offset <= endOf(entry));
      return around ?? entriesIn({ offset, length: 0 })[0];
    },
    entriesIn,
    entryOf: (layer) => byName.get(layer),
    tree,
    place: (entry, key, part = "value") => {
      const node = memberOf(tree(entry), key)?.[part] ?? entry;
      return { offset: node.offset, length: node.length };
    },
  };
}

function problemOf(json: JsonText): PlanTextProblem | undefined {
  const [issue] = json.issues;
  if (issue) {
    const { kind, message, remedy, range } = issue;
    // Editors have nothing against a text without any value, nor against a long one.
    const inSchema = kind !== "too-large" && json.value !== undefined;
    return {
      code: "SQ5101",
      slug: "plan-syntax",
      message,
      remedy,
      offset: range.offset,
      length: range.length,
      inSchema,
    };
  }
  const problem = planProblem(json.value);
  if (!problem) return undefined;
  let found = json.locate(problem.path);
  for (let depth = problem.path.length - 1; !found && depth >= 0; depth--) {
    found = json.locate(problem.path.slice(0, depth));
  }
  // Of what spans lines only the first character: a whole plan underlined says nothing.
  const length = found && found.line === found.endLine ? found.length : 1;
  return {
    code: "SQ5102",
    slug: "not-a-plan",
    message: sentence(problem.message),
    remedy: "Correct it, or write the plan anew from the model's editor.",
    offset: found?.offset ?? 0,
    length,
    inSchema: !problem.beyondSchema,
  };
}

function namesOf(value: unknown): readonly (string | undefined)[] | undefined {
  const layers = (value as { readonly layers?: unknown } | undefined)?.layers;
  if (!Array.isArray(layers)) return undefined;
  return layers.map((layer: { readonly name?: unknown } | null) =>
    typeof layer?.name === "string" ? layer.name : undefined,
  );
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
