import type { JsonPath } from "./jsonText.ts";
import type { TextRange } from "./textRange.ts";

/**
 * Every problem of a hardware profile that can be told without a model: code -> slug. Stable, as documentation and settings
 * refer to them. (SQ31xx are those that need a model, such as SQ3102 budget-unreachable.)
 */
export const profileProblemSlugs = {
  SQ3001: "json-syntax",
  SQ3002: "profile-too-large",
  SQ3003: "duplicate-property",
  SQ3004: "missing-property",
  SQ3005: "unknown-property",
  SQ3006: "wrong-type",
  SQ3007: "out-of-range",
  SQ3008: "value-not-allowed",
  SQ3009: "malformed-key",
  SQ3010: "empty",
  SQ3011: "duplicate-bits",
  SQ3012: "operator-bits",
  SQ3013: "unused-pair",
  SQ3014: "unknown-operator",
  SQ3015: "missing-pair",
  SQ3016: "wider-is-cheaper",
  SQ3017: "two-accuracy-targets",
  SQ3018: "budget-above-capacity",
  SQ3019: "float-with-bits",
  SQ3020: "extends-unknown",
  SQ3021: "extends-cycle",
  SQ3022: "extends-too-deep",
  SQ3023: "broken-preset",
  SQ3024: "budget-without-figures",
  SQ3025: "incomplete-compute",
  SQ3026: "unit-suspect",
  SQ3027: "contradicts-preset",
  SQ3028: "bits-of-no-operator",
} as const;

export type ProfileProblemCode = keyof typeof profileProblemSlugs;

/** A problem with its place. `path` is the JSON path, offsets and length count UTF-16 units, lines and columns count from 1. */
export interface ProfileProblem extends TextRange {
  readonly code: ProfileProblemCode;
  readonly slug: string;
  /** There is no profile while there are errors; warnings change nothing. */
  readonly severity: "error" | "warning";
  /** One sentence without place, code and full stop. */
  readonly message: string;
  /** One sentence in the imperative. */
  readonly remedy: string;
  readonly path: JsonPath;
}

/** `compute.macsPerCycle["4x8"]`, `weightBits[2]`: a path as people write it; "" for the root. */
export function showPath(path: JsonPath): string {
  let text = "";
  for (const segment of path) {
    if (typeof segment === "number") text += `[${segment}]`;
    else if (/^[A-Za-z_$][\w$]*$/.test(segment)) text += text === "" ? segment : `.${segment}`;
    else text += `[${JSON.stringify(segment)}]`;
  }
  return text;
}
