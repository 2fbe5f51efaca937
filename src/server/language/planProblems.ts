import { sentences } from "../../core/errors.ts";
import type { Finding, Fix } from "./finding.ts";
import { replaceNode } from "./jsonEdits.ts";
import type { Span } from "./textEdits.ts";

/** What a plan's text has against its model and its device: code -> slug. (SQ5101 and SQ5102 are of a text that is no plan.) */
const slugs = {
  SQ5111: "plan-over-budget",
  SQ5112: "bits-not-on-device",
  SQ5113: "layer-not-in-model",
  SQ5114: "layer-missing",
  SQ5115: "model-changed",
  SQ5116: "model-not-found",
  SQ5117: "profile-not-found",
  SQ5118: "shared-bits-differ",
  SQ5119: "figures-outdated",
} as const;

export type PlanProblemCode = keyof typeof slugs;

/** @param what one sentence; @param remedy a second */
export function planFinding(
  code: PlanProblemCode,
  severity: Finding["severity"],
  { offset, length }: Span,
  what: string,
  remedy: string,
  fixes: () => readonly Fix[] = () => [],
): Finding {
  return { code, slug: slugs[code], severity, offset, length, message: sentences(what, remedy), fixes };
}

export function changeTo(place: Span, json: string): Fix {
  return { title: `Change to ${json}`, edits: [replaceNode(place, json)], preferred: true };
}
