import { failure } from "../../../scripts/lib/counts.mjs";

/** One line of the report that the tests in the extension host write. "end" is missing where the extension host died. */
export type InHostEvent =
  | { readonly outcome: "passed"; readonly title: string; readonly milliseconds: number }
  | { readonly outcome: "failed"; readonly title: string; readonly message: string }
  | { readonly outcome: "skipped"; readonly title: string }
  /** Failed, and is run again: its outcome follows. */
  | { readonly outcome: "retried"; readonly title: string; readonly message: string }
  | { readonly outcome: "end" };

/** Environment variable: the file to write the report to. */
export const reportVariable = "SIGMAQUANT_TEST_REPORT";

/** Environment variable: run only the tests whose full title matches this regular expression. */
export const selectVariable = "SIGMAQUANT_TEST_ONLY";

/** How many tests ended in which way. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Each failed test's title and the first line of why. */
  readonly failures: readonly string[];
  /** The same of tests that failed once, whatever they did when they were run again. */
  readonly retried: readonly string[];
}

/** Counts a report; a run that was cut off, or ran nothing where it may not, has one failure more. */
export function countEvents(events: readonly InHostEvent[], mayBeEmpty: boolean): Counts {
  const count = (outcome: InHostEvent["outcome"]) => events.filter((event) => event.outcome === outcome).length;
  const [passed, failed, skipped] = [count("passed"), count("failed"), count("skipped")];
  const broken = count("end") === 0 || (passed + failed + skipped === 0 && !mayBeEmpty);
  const linesOf = (outcome: "failed" | "retried") =>
    events.flatMap((event) => (event.outcome === outcome ? [failure(event.title, event.message)] : []));
  return {
    passed,
    failed: failed + (broken ? 1 : 0),
    skipped,
    failures: linesOf("failed"),
    retried: linesOf("retried"),
  };
}
