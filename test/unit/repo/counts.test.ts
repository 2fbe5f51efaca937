import { describe, expect, it } from "vitest";
import { countVitest, settle, summary } from "../../../scripts/lib/counts.mjs";

const ended = { code: 0, timedOut: false };
const level = { name: "unit", passed: 2, failed: 0, skipped: 0 };
const empty = { name: "unit", passed: 0, failed: 0, skipped: 0 };

function testFile(name: string, status: string, ...outcomes: readonly string[]) {
  return { name, status, assertionResults: outcomes.map((outcome) => ({ status: outcome })) };
}

describe("the counts of npm test", () => {
  it("take the tests below a folder", () => {
    const testResults = [
      testFile("/p/test/unit/a.test.ts", "failed", "passed", "failed", "pending"),
      testFile("/p/test/integration/b.test.ts", "passed", "passed"),
    ];
    expect(countVitest({ testResults }, "/p/test/unit/")).toMatchObject({ passed: 1, failed: 1, skipped: 1 });
  });

  it("take a file that could not be loaded as a failure", () => {
    expect(countVitest({ testResults: [testFile("/p/a.test.ts", "failed")] }, "/p/").failed).toBe(1);
  });

  it("take an exit code that no test accounts for as a failure", () => {
    expect(settle(level, { code: 1, timedOut: false }, { mayBeEmpty: false }).failed).toBe(1);
    expect(settle(level, { code: undefined, timedOut: false }, { mayBeEmpty: true }).failed).toBe(1);
    expect(settle({ ...level, failed: 1 }, { code: 1, timedOut: false }, { mayBeEmpty: false }).failed).toBe(1);
  });

  it("take a level that took too long as a failure, besides its tests'", () => {
    expect(settle({ ...level, failed: 1 }, { code: 143, timedOut: true }, { mayBeEmpty: false }).failed).toBe(2);
  });

  it("take a level that ran nothing as a failure, but not where tests were chosen", () => {
    expect(settle(empty, ended, { mayBeEmpty: false }).failed).toBe(1);
    expect(settle(empty, ended, { mayBeEmpty: true }).failed).toBe(0);
  });

  it("end with the totals", () => {
    const { lines, ok } = summary([level, { ...level, name: "e2e", failed: 1, note: "ran no test" }]);
    expect(lines).toEqual(["unit  2 passed, 0 failed", "e2e   2 passed, 1 failed; ran no test", "4 passed, 1 failed"]);
    expect(ok).toBe(false);
    expect(summary([level]).ok).toBe(true);
  });

  it("say which tests failed and why, above the totals", () => {
    const assertionResults = [
      { status: "failed", fullName: "a chart draws", failureMessages: ["AssertionError: 1 is not 2\n    at x"] },
    ];
    const broken = { name: "/p/b.test.ts", status: "failed", message: "no such module", assertionResults: [] };
    const file = { name: "/p/a.test.ts", status: "failed", assertionResults };
    const counts = countVitest({ testResults: [file, broken] }, "/p/");
    expect(summary([{ name: "unit", ...counts }]).lines).toEqual([
      "✘ unit: a chart draws: AssertionError: 1 is not 2",
      "✘ unit: /p/b.test.ts: no such module",
      "unit  0 passed, 2 failed",
      "0 passed, 2 failed",
    ]);
  });

  it("name what passed only when it was run again", () => {
    const { lines, ok } = summary([{ ...level, retried: ["a table sorts: no such row"] }]);
    expect(lines[0]).toBe("↻ unit, run again: a table sorts: no such row");
    expect(ok).toBe(true);
  });

  it("do not call it good that nothing was run at all", () => {
    expect(summary([empty])).toMatchObject({ ok: false });
    expect(summary([empty]).lines.at(-1)).toBe("0 passed, 1 failed");
    expect(summary([]).ok).toBe(false);
  });
});
