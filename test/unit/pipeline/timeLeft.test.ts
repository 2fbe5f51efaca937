import { describe, expect, it } from "vitest";
import { TimeLeft } from "../../../src/core/timeLeft.ts";

const at = (done: number, share?: number) => ({
  stage: "Measuring",
  done,
  total: 10,
  ...(share !== undefined && { share }),
});

describe("the time left", () => {
  it("is what the rest takes at the pace of what is done", () => {
    const left = new TimeLeft();
    left.after(at(0), 5000);
    expect(left.after(at(4), 9000)).toBeCloseTo(6, 9);
  });

  it("goes by the share of the time where that is told, not by the count", () => {
    const left = new TimeLeft();
    left.after(at(0, 0), 0);
    expect(left.after(at(2, 0.5), 4000)).toBeCloseTo(4, 9);
  });

  it("does not count what a stage does before its first piece of work", () => {
    const left = new TimeLeft();
    left.after(at(0), 0);
    left.after(at(0), 60_000);
    expect(left.after(at(5), 64_000)).toBeCloseTo(4, 9);
  });

  it("does not take what an earlier run did for work of this one", () => {
    const left = new TimeLeft();
    left.after(at(8), 0);
    expect(left.after(at(9), 3000)).toBeCloseTo(3, 9);
  });

  it("is not told before it means something", () => {
    const left = new TimeLeft();
    expect(left.after(at(0), 0)).toBeUndefined();
    expect(left.after(at(5), 1999)).toBeUndefined();
    expect(left.after(at(5), 2000)).toBeCloseTo(2, 9);
  });

  it("begins anew with each stage", () => {
    const left = new TimeLeft();
    left.after(at(0), 0);
    left.after(at(5), 10_000);
    expect(left.after({ stage: "Searching", done: 1, total: 2 }, 20_000)).toBeUndefined();
  });

  it("is not told at the end", () => {
    const left = new TimeLeft();
    left.after(at(0), 0);
    expect(left.after(at(10), 4000)).toBeUndefined();
  });
});
