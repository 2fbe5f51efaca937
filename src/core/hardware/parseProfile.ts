import hwprofileSchema from "../../../media/schemas/hwprofile.schema.json" with { type: "json" };
import { SigmaQuantError } from "../errors.ts";
import { type JsonPath, type JsonText, type JsonTextIssue, parseJsonText } from "./jsonText.ts";
import type { HardwareProfile } from "./profile.ts";
import { checkProfile, type Finding } from "./profileChecks.ts";
import { extendedFile, type PresetSource } from "./profileExtends.ts";
import { completeProfile, mergeProfiles, type ProfileFile } from "./profileFile.ts";
import { type ProfileProblem, type ProfileProblemCode, profileProblemSlugs, showPath } from "./profileProblem.ts";
import { type SchemaIssue, type SchemaIssueKind, schemaValidator } from "./schemaIssues.ts";
import type { TextRange } from "./textRange.ts";

/**
 * Longest profile, UTF-16 units. Measured latencies of 10,000 layers at 7 bitwidths are about 1.5 M; more is not a profile
 * and would only cost memory.
 */
const maxProfileLength = 4 * 1024 * 1024;

export interface ProfileOptions extends PresetSource {
  /** Name of the file, for messages. */
  readonly file: string;
}

export interface ParsedProfile {
  /** Absent when a problem is an error. */
  readonly profile?: HardwareProfile;
  /** In the order of the text. */
  readonly problems: readonly ProfileProblem[];
  /** Where the file itself has a value, or the key that names it; undefined for what is inherited or a default. */
  locate(path: JsonPath, part?: "value" | "key"): TextRange | undefined;
  /** The text with its positions, for what an editor asks of it. */
  readonly text: JsonText;
}

const validate = schemaValidator(hwprofileSchema);

/**
 * Reads a hardware profile: JSON with comments and trailing commas, checked against media/schemas/hwprofile.schema.json and
 * beyond it, merged over the preset that it `extends` and completed with the defaults. Never throws: every problem comes
 * with its code, remedy and place; problems of an extended preset are reported at `extends`.
 */
export function parseProfile(text: string, options: ProfileOptions): ParsedProfile {
  const json = parseJsonText(text, maxProfileLength);
  const { profile, found } = parse(json, options);
  const problems = [...found].sort((a, b) => a.offset - b.offset || a.code.localeCompare(b.code));
  return {
    ...(profile && !problems.some((problem) => problem.severity === "error") ? { profile } : {}),
    problems,
    locate: json.locate,
    text: json,
  };
}

/**
 * The profile of a text, or the first of its errors.
 *
 * @throws SigmaQuantError with the code of the first error, at its line and column, naming the JSON path
 */
export function requireProfile(text: string, options: ProfileOptions): HardwareProfile {
  const { profile, problems } = parseProfile(text, options);
  const errors = problems.filter((problem) => problem.severity === "error");
  const [first] = errors;
  if (profile && !first) return profile;
  if (!first) throw new Error("a profile without errors was not read");
  const more = errors.length === 1 ? "" : ` (the first of ${errors.length} errors)`;
  const item = showPath(first.path);
  throw new SigmaQuantError(first.code, first.slug, `${first.message}${more}`, {
    remedy: first.remedy,
    place: { file: options.file, line: first.line, column: first.column, ...(item === "" ? {} : { item }) },
  });
}

function parse(
  json: JsonText,
  options: ProfileOptions,
): { readonly profile?: HardwareProfile; readonly found: readonly ProfileProblem[] } {
  const inText = json.issues.map(problemOfText);
  const place = (finding: Finding): ProfileProblem => problemAt(json, finding);
  if (json.issues.some((issue) => issue.kind !== "duplicate")) return { found: inText };

  const issues = validate(json.value);
  if (issues.length > 0) return { found: [...inText, ...issues.map(findingOf).map(place)] };

  const own = json.value as ProfileFile;
  const base = extendedFile(own, options, validate);
  if ("code" in base) return { found: [...inText, place(base)] };
  const merged = base.file ? mergeProfiles(base.file, own) : own;
  const profile = completeProfile(merged);
  return { profile, found: [...inText, ...checkProfile(own, merged, profile, base.file).map(place)] };
}

const schemaCodes: Readonly<Record<SchemaIssueKind, ProfileProblemCode>> = {
  missing: "SQ3004",
  unknown: "SQ3005",
  type: "SQ3006",
  range: "SQ3007",
  value: "SQ3008",
  key: "SQ3009",
  empty: "SQ3010",
};

function findingOf({ kind, message, remedy, path, atKey }: SchemaIssue): Finding {
  return { code: schemaCodes[kind], severity: "error", message, remedy, path, atKey };
}

const textCodes: Readonly<Record<JsonTextIssue["kind"], ProfileProblemCode>> = {
  syntax: "SQ3001",
  "too-large": "SQ3002",
  duplicate: "SQ3003",
};

function problemOfText({ kind, message, remedy, path, range }: JsonTextIssue): ProfileProblem {
  const code = textCodes[kind];
  return { code, slug: profileProblemSlugs[code], severity: "error", message, remedy, path, ...range };
}

/** The place of a finding: its key or value, or what is nearest around it; of what spans lines only its first character. */
function problemAt(json: JsonText, finding: Finding): ProfileProblem {
  const { code, severity, message, remedy, path, atKey } = finding;
  let found = json.locate(path, atKey ? "key" : "value");
  for (let length = path.length - 1; !found && length >= 0; length -= 1) found = json.locate(path.slice(0, length));
  const range = found && found.line === found.endLine ? found : json.range(found?.offset ?? 0, 1);
  return { code, slug: profileProblemSlugs[code], severity, message, remedy, path, ...range };
}
