import { sentences } from "../../core/errors.ts";
import { didYouMean } from "../../core/hardware/didYouMean.ts";
import { formatEnough, resourceName } from "../../core/plan/format.ts";
import type { Plan } from "../../core/plan/types.ts";
import { overruns } from "../../core/plan/verdict.ts";
import { hasCurrentFigures } from "../planFigures.ts";
import { budgetHint } from "./budgetText.ts";
import type { Finding, Fix } from "./finding.ts";
import { jsonTree, memberOf } from "./jsonTree.ts";
import { reallocateActions } from "./planActions.ts";
import type { FileProblem, JudgedPlan, PlanContext } from "./planContext.ts";
import { planLayerFindings } from "./planLayerFindings.ts";
import { changeTo, planFinding } from "./planProblems.ts";
import { rewritePlan } from "./planRewrite.ts";
import type { Span } from "./textEdits.ts";
import { listedAtMost, plural } from "./words.ts";

/** Layers named in one message; the rest is counted. */
const maxNamed = 3;

/** Everything wrong with a plan: by itself, and on its model and device. In the order of the text. */
export function planFindings(context: PlanContext): readonly Finding[] {
  const { plan: text, judged } = context;
  const { problem, plan } = text;
  if (problem) {
    const { code, slug, message, remedy, offset, length, inSchema } = problem;
    return [{ offset, length, code, slug, severity: "error", message: sentences(message, remedy), inSchema }];
  }
  if (!plan) return [];
  const found = [
    ...fileFindings(context),
    ...(judged
      ? [
          ...hashFindings(context, plan, judged),
          ...planLayerFindings(context, plan, judged),
          ...budgetFindings(context, judged),
          ...figureFindings(context, plan, judged),
        ]
      : []),
  ];
  return found.toSorted((a, b) => a.offset - b.offset || a.code.localeCompare(b.code));
}

function placeOfMember({ plan }: PlanContext, key: string): Span {
  return plan.member(key)?.value ?? { offset: 0, length: 1 };
}

function fileFindings(context: PlanContext): readonly Finding[] {
  const { modelProblem, deviceProblem, candidates } = context;
  const of = (
    code: "SQ5116" | "SQ5117",
    key: "model" | "profile",
    problem: FileProblem | undefined,
    known: readonly string[],
  ): readonly Finding[] => {
    if (!problem) return [];
    const place = placeOfMember(context, key);
    // A file that has just gone may be in the list still.
    const others = known.filter((each) => each !== problem.file);
    const meant = didYouMean(problem.file, others);
    if (problem.kind === "unreadable") {
      return [planFinding(code, "warning", place, `${problem.file} cannot be used: ${problem.detail}`, "Correct it")];
    }
    const fixes = meant === undefined ? [] : [changeTo(place, JSON.stringify(meant))];
    const remedy = meant === undefined ? `Write the ${key}'s path, relative to this plan` : `Did you mean ${meant}?`;
    return [planFinding(code, "warning", place, `There is no ${problem.file}`, remedy, () => fixes)];
  };
  return [
    ...of("SQ5116", "model", modelProblem, candidates.models),
    ...of("SQ5117", "profile", deviceProblem, candidates.profiles),
  ];
}

function hashFindings(context: PlanContext, plan: Plan, { model }: JudgedPlan): readonly Finding[] {
  const { modelHash } = model.state;
  if (plan.modelHash === "" || modelHash === undefined || modelHash === plan.modelHash) return [];
  const what = `${model.known.fileName} has changed since this plan was made`;
  const remedy = "Its sensitivities and accuracy are from before: allocate anew, or take over the model's figures";
  return [
    planFinding("SQ5115", "warning", placeOfMember(context, "modelHash"), what, remedy, () => [
      ...recompute(context, "Take over the figures of the model as it is now"),
      ...reallocateActions(context),
    ]),
  ];
}

function recompute(context: PlanContext, title: string): readonly Fix[] {
  const edits = rewritePlan(context, {}, "everything");
  return edits.length > 0 ? [{ title, edits, preferred: true }] : [];
}

function budgetFindings(context: PlanContext, { model, assessment }: JudgedPlan): readonly Finding[] {
  return overruns(assessment.budgets).map((budget) => {
    const { name, unit, use } = budget;
    const word = resourceName(name).charAt(0).toUpperCase() + resourceName(name).slice(1);
    const what = `${word} does not fit ${model.device.profile.name}: ${budgetHint(budget)}`;
    const remedy = model.live().optimum
      ? "Lower some layers, or re-allocate"
      : `Raise the budget to ${formatEnough(unit, use)}, or lower some layers`;
    return planFinding("SQ5111", "error", placeOfBudget(context, name), what, remedy, () => reallocateActions(context));
  });
}

/** The budget's line at the end of the plan, where there is one: of a one-line entry all of it. */
function placeOfBudget(context: PlanContext, name: string): Span {
  const { plan } = context;
  const member = plan.member("budgets");
  const list = member && jsonTree(plan.text, member.value);
  const entry = list?.children?.find((each) => memberOf(each, "name")?.value.value === name);
  const use = memberOf(entry, "use");
  return use?.value ?? entry ?? plan.member("layers")?.keySpan ?? { offset: 0, length: 1 };
}

/** Figures of other bits: edited by hand, or for other figures of the device. */
function figureFindings(context: PlanContext, plan: Plan, { assessment }: JudgedPlan): readonly Finding[] {
  const computed = plan.layers.filter(({ bytes }) => bytes > 0);
  const stale = computed.filter((layer) => !hasCurrentFigures({ layers: [layer] }, assessment.rows));
  const member = context.plan.member("verdict") ?? context.plan.member("layers");
  if (stale.length === 0 || !member) return [];
  const names = listedAtMost(
    stale.map(({ name }) => name),
    maxNamed,
  );
  return [
    planFinding(
      "SQ5119",
      "information",
      member.keySpan,
      `The figures of ${plural(stale.length, "layer")} are of other bits or another device: ${names}`,
      "They are computed anew when the plan is used",
      () => recompute(context, "Recompute the plan's figures"),
    ),
  ];
}
