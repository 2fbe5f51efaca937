import type { ProfileProblem } from "../../core/hardware/profileProblem.ts";
import { budgetFindings } from "./budgetFindings.ts";
import { type Finding, sentences } from "./finding.ts";
import { latencyFindings } from "./latencyFindings.ts";
import type { ProfileContext } from "./profileContext.ts";
import { fixesOf } from "./profileFixes.ts";
import type { ProfileText } from "./profileText.ts";

/** Everything wrong with a profile: by itself, and for the models that use it. In the order of the text. */
export function profileFindings({ profile, models }: ProfileContext): readonly Finding[] {
  const own = profile.parsed.problems.map((problem) => problemFinding(profile, problem));
  const device = profile.parsed.profile;
  if (!device) return own;
  const known = models.map(({ model }) => model.known);
  const found = [
    ...own,
    ...models.flatMap(({ model }) => budgetFindings(profile, model)),
    ...latencyFindings(profile, device, known),
  ];
  return found.toSorted((a, b) => a.offset - b.offset || a.code.localeCompare(b.code));
}

function problemFinding(profile: ProfileText, problem: ProfileProblem): Finding {
  const { code, slug, severity, message, remedy, offset, length } = problem;
  return {
    offset,
    length,
    code,
    slug,
    severity,
    // A question says what to do itself.
    message: message.endsWith("?") ? message : sentences(message, remedy),
    fixes: () => fixesOf(profile, problem),
  };
}
