import { sentences } from "../../core/errors.ts";
import type { ProfileProblem, ProfileProblemCode } from "../../core/hardware/profileProblem.ts";
import { budgetFindings, roomyFindings } from "./budgetFindings.ts";
import type { Finding } from "./finding.ts";
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
    ...roomyFindings(
      profile,
      models.map(({ model }) => model),
    ),
    ...latencyFindings(profile, device, known),
  ];
  return found.toSorted((a, b) => a.offset - b.offset || a.code.localeCompare(b.code));
}

/** JSON that is broken or has a key twice, and what media/schemas/hwprofile.schema.json forbids. */
const schemaCodes: ReadonlySet<ProfileProblemCode> = new Set([
  "SQ3001",
  "SQ3003",
  "SQ3004",
  "SQ3005",
  "SQ3006",
  "SQ3007",
  "SQ3008",
  "SQ3009",
  "SQ3010",
]);

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
    // Editors have nothing against a text without any value.
    ...(schemaCodes.has(code) && profile.root && { inSchema: true }),
    fixes: () => fixesOf(profile, problem),
  };
}
