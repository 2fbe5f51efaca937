import { budgetCells, formatAccuracy, grouped, resourceName } from "../../src/core/plan/format.ts";
import { bitsText, type ShownRow } from "./figures.ts";

/** All that is known of a row, as lines of name and value: what a narrow page leaves out, and whole sentences. */
export function rowFacts({ row, model, device }: ShownRow): readonly (readonly [string, string])[] {
  const { figures, problem, notes } = row;
  const facts: [string, string][] = [
    ["Device", device.name],
    ["Model", model.name],
  ];
  if (device.weightBits.length > 0) facts.push(["Weights", bitsText(device.weightBits)]);
  if (problem) facts.push(["Problem", `${problem.message} ${problem.code}`]);
  if (!figures) return facts;
  const { verdict, averageBits, budgets, accuracy } = figures;
  facts.push(["Verdict", verdict.headline]);
  if (verdict.verdict === "infeasible") facts.push(["Why", verdict.detail]);
  if (verdict.nearest) facts.push(["Nearest", verdict.nearest.remedy]);
  if (averageBits > 0) facts.push(["Bits on average", averageBits.toFixed(2)]);
  for (const budget of budgets) {
    const [use, limit] = budgetCells(budget);
    facts.push([capital(resourceName(budget.name)), limit === "–" ? use : `${use} of ${limit}`]);
  }
  if (accuracy) {
    const { how, samples, synthetic } = accuracy;
    const on = `${how} on ${grouped(samples)} ${synthetic ? "made-up samples" : "samples"}`;
    facts.push([
      "Accuracy",
      `${formatAccuracy(accuracy)}, ${how === "expected" ? "expected of its sensitivities" : on}`,
    ]);
  }
  for (const note of notes) facts.push(["Note", note]);
  return facts;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
