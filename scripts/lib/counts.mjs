/** How many tests ended in which way, and when that is good enough. */

/**
 * @typedef {object} Level
 * @property {string} name
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {string} [note] what is odd about it, for the reader of the summary
 * @property {readonly string[]} [failures] each failed test's full title and the first line of why
 * @property {readonly string[]} [retried] the same of those that failed at first
 */

/**
 * What vitest's JSON report has of files below some folder. A file that could not be loaded has no tests and counts as one failure.
 * @param {VitestReport} report
 * @param {string} folder its path, as the report has it
 * @returns {{ passed: number, failed: number, skipped: number, failures: readonly string[] }}
 */
export function countVitest(report, folder) {
  /** @type {string[]} */
  const failures = [];
  const counts = { passed: 0, failed: 0, skipped: 0, failures };
  for (const file of report.testResults) {
    if (!file.name.startsWith(folder)) continue;
    const outcomes = file.assertionResults.map(({ status }) => status);
    const failed = outcomes.filter((status) => status === "failed").length;
    const passed = outcomes.filter((status) => status === "passed").length;
    counts.passed += passed;
    counts.failed += failed === 0 && file.status === "failed" ? 1 : failed;
    counts.skipped += outcomes.length - passed - failed;
    for (const { status, fullName = "", failureMessages = [] } of file.assertionResults) {
      if (status === "failed") failures.push(failure(fullName, failureMessages[0]));
    }
    if (failed === 0 && file.status === "failed") failures.push(failure(file.name, file.message));
  }
  return counts;
}

/**
 * @typedef {object} VitestReport the parts of it that are counted
 * @property {readonly { name: string, status: string, message?: string, assertionResults: readonly VitestOutcome[] }[]} testResults
 */

/** @typedef {{ status: string, fullName?: string, failureMessages?: readonly string[] }} VitestOutcome */

/**
 * A failed test in one line.
 * @param {string} title
 * @param {string | undefined} message
 */
export function failure(title, message = "") {
  const [why = ""] = message.trim().split("\n", 1);
  return why === "" ? title : `${title}: ${why}`;
}

/**
 * Holds a level to what its program said: an exit code that no failed test accounts for is a failure, and so is having run nothing.
 * @param {Level} level
 * @param {{ code: number | undefined, timedOut: boolean }} ended
 * @param {{ mayBeEmpty: boolean }} how `mayBeEmpty`: the reader chose some tests, maybe none of this level
 * @returns {Level}
 */
export function settle(level, { code, timedOut }, { mayBeEmpty }) {
  if (timedOut) return { ...level, failed: level.failed + 1, note: "took too long and was ended" };
  const empty = level.passed + level.failed === 0;
  if (code !== 0 && level.failed === 0) {
    return { ...level, failed: 1, note: `its program ended with ${code ?? "a signal"}` };
  }
  if (empty && !mayBeEmpty) return { ...level, failed: 1, note: "ran no test" };
  return level;
}

/**
 * The summary: what failed, where the end of a long log shows it; a line for each level; the totals as the last one, which programs read.
 * @param {readonly Level[]} levels
 * @returns {{ lines: readonly string[], ok: boolean }} `ok`: something passed and nothing failed
 */
export function summary(levels) {
  const width = Math.max(...levels.map(({ name }) => name.length));
  const sum = (/** @type {"passed" | "failed" | "skipped"} */ key) =>
    levels.reduce((all, level) => all + level[key], 0);
  const lines = levels.map(({ name, passed, failed, skipped, note }) => {
    const extra = [...(skipped > 0 ? [`${skipped} skipped`] : []), ...(note === undefined ? [] : [note])];
    return [`${name.padEnd(width)}  ${passed} passed, ${failed} failed`, ...extra].join("; ");
  });
  const [passed, failed] = [sum("passed"), sum("failed")];
  const ranNothing = passed + failed === 0;
  const failures = levels.flatMap(({ name, failures = [], retried = [] }) => [
    ...retried.map((line) => `↻ ${name}, run again: ${line}`),
    ...failures.map((line) => `✘ ${name}: ${line}`),
  ]);
  return {
    lines: [
      ...failures,
      ...lines,
      ...(ranNothing ? ["No test matches."] : []),
      `${passed} passed, ${ranNothing ? 1 : failed} failed`,
    ],
    ok: failed === 0 && !ranNothing,
  };
}
