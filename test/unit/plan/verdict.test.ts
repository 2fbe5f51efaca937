import { describe, expect, it } from "vitest";
import type { Accuracy, BudgetUse } from "../../../src/core/plan/types.ts";
import { overruns, type VerdictInput, verdictOf } from "../../../src/core/plan/verdict.ts";
import { weights } from "./support.ts";

const kib = 1024;
const top1: Accuracy = { metric: "top1", float: 0.933, quantized: 0.929, samples: 2000, how: "measured" };
const latency = (use: number | undefined, limit?: number): BudgetUse => ({
  name: "latency",
  ...(use !== undefined && { use }),
  ...(limit !== undefined && { limit }),
  unit: "s",
});
const activations = (use: number, limit: number): BudgetUse => ({ name: "activationMemory", use, limit, unit: "B" });
const verdict = (more: Partial<VerdictInput>) =>
  verdictOf({ budgets: [weights(kib, 2 * kib)], allowedBits: [4, 8], ...more });

describe("a plan that fits", () => {
  it("says what it loses, and how that is known", () => {
    const measured = verdict({ accuracy: top1 });
    expect(measured).toEqual({
      verdict: "feasible",
      headline: "Fits, −0.4 points",
      detail: "measured on 2,000 samples",
    });
    expect(verdict({ accuracy: { ...top1, how: "simulated" } })).toMatchObject({
      headline: "Fits, −0.4 points",
      detail: "simulated on 2,000 samples",
    });
    expect(verdict({ accuracy: { ...top1, how: "expected" } })).toMatchObject({
      headline: "Fits, −0.4 points expected",
      detail: "expected from the sensitivities of 2,000 samples",
    });
  });

  it("without labels says how often it agrees with float", () => {
    const agreement = verdict({ accuracy: { ...top1, metric: "agreement", float: 1, quantized: 0.965 } });
    expect(agreement.headline).toBe("Fits, 96.5 % agreement with float");
  });

  it("of other outputs says the SQNR", () => {
    const sqnr = verdict({ accuracy: { ...top1, metric: "nmse", float: 0, quantized: 0.001 } });
    expect(sqnr.headline).toBe("Fits, SQNR 30.0 dB");
  });

  it("without data, or on made-up data, claims no accuracy", () => {
    expect(verdict({}).headline).toBe("Fits, accuracy unknown");
    const synthetic = verdict({ accuracy: { ...top1, synthetic: true } });
    expect(synthetic.headline).toBe("Fits, accuracy unknown");
    expect(synthetic.detail).toBe("measured on 2,000 synthetic samples");
  });

  it("says which budget it could not be checked against", () => {
    const unknown = verdict({ budgets: [weights(kib, 2 * kib), latency(undefined, 0.005)], accuracy: top1 });
    expect(unknown.verdict).toBe("feasible");
    expect(unknown.headline).toBe("Fits, −0.4 points; latency unknown");
    expect(unknown.detail).toContain("no figures for latency");
  });

  it("says that an accuracy target can't be checked where the output has no classes", () => {
    const values = verdict({ accuracy: { ...top1, metric: "nmse", float: 0, quantized: 0.5 }, maxDrop: 0.01 });
    expect(values.verdict).toBe("feasible");
    expect(values.detail).toContain("the accuracy target can't be checked");
  });
});

describe("a plan that loses too much", () => {
  it("is infeasible, bound by the accuracy, and says what would do", () => {
    const missed = verdict({ accuracy: { ...top1, quantized: 0.917 }, maxDrop: 0.01 });
    expect(missed).toMatchObject({
      verdict: "infeasible",
      headline: "Fits, but loses 1.6 points; target 1.0",
      binding: "accuracy",
    });
    expect(missed.nearest?.remedy).toMatch(/^Allow a loss of 1\.6 points/);
  });

  it("shows as many decimals as it takes to see the miss, and a remedy that is enough", () => {
    const missed = verdict({ accuracy: { ...top1, quantized: 0.933 - 0.0104 }, maxDrop: 0.01 });
    expect(missed.headline).toBe("Fits, but loses 1.04 points; target 1.00");
    expect(missed.nearest?.remedy).toMatch(/^Allow a loss of 1\.1 points/);
  });

  it("a loss that is the target is none, whatever the arithmetic makes of it", () => {
    expect(0.933 - 0.923).toBeGreaterThan(0.01);
    expect(verdict({ accuracy: { ...top1, quantized: 0.923 }, maxDrop: 0.01 }).verdict).toBe("feasible");
    expect(verdict({ accuracy: { ...top1, quantized: 0.923 - 1e-7 }, maxDrop: 0.01 }).verdict).toBe("infeasible");
    expect(verdict({ accuracy: { ...top1, float: 0.75, quantized: 0.625 }, maxDrop: 0.125 }).verdict).toBe("feasible");
  });
});

describe("a plan that does not fit", () => {
  const over = weights(21.4 * kib, 20 * kib);

  it("says by how much, what the smallest plan needs, and what to raise", () => {
    const result = verdict({ budgets: [over, latency(0.001, 0.002)], smallest: { weightMemory: 21.4 * kib } });
    expect(result).toMatchObject({
      verdict: "infeasible",
      headline: "Does not fit: weight memory is 1.4 KiB over",
      detail:
        "The smallest plan with the allowed bits (4, 8) needs 21.4 KiB of 20.0 KiB. Every other budget can be met.",
      binding: "weightMemory",
      nearest: { remedy: "Raise the budget of weight memory to 21.4 KiB" },
    });
    expect(result.nearest?.budgets).toHaveLength(2);
  });

  it("names several budgets, the worst first, which is the one that binds", () => {
    const result = verdict({
      budgets: [over, latency(0.004, 0.002)],
      smallest: { weightMemory: 21.4 * kib, latency: 0.004 },
    });
    expect(result.headline).toBe("Does not fit: latency and weight memory");
    expect(result.binding).toBe("latency");
    expect(result.detail).toContain("needs 4.00 ms of 2.00 ms latency and 21.4 KiB of 20.0 KiB weight memory");
    expect(result.nearest?.remedy).toBe("Raise the budget of latency to 4.00 ms and weight memory to 21.4 KiB");
  });

  it("says when each budget can be met but not all at once", () => {
    const result = verdict({ budgets: [over], smallest: { weightMemory: 15 * kib, latency: 0.001 } });
    expect(result.detail).toBe(
      "Each budget can be met by itself, but no mix of the allowed bits (4, 8) meets all of them at once.",
    );
  });

  it("without a proof says what this plan needs", () => {
    expect(verdict({ budgets: [over] }).detail).toBe("This plan needs 21.4 KiB of 20.0 KiB.");
  });

  it("says that activation memory does not depend on the bits of the weights", () => {
    const result = verdict({ budgets: [weights(kib, 2 * kib), activations(64 * kib, 32 * kib)] });
    expect(result.binding).toBe("activationMemory");
    expect(result.detail).toBe(
      "Activation memory is 64.0 KiB of 32.0 KiB, whatever the bits of the weights. Every other budget can be met.",
    );
  });

  it("tells the accuracy at the nearest point, but none from made-up samples", () => {
    expect(verdict({ budgets: [over], accuracy: top1 }).nearest?.remedy).toBe(
      "Raise the budget of weight memory to 21.4 KiB, where top-1 is 92.9 %",
    );
    const synthetic = { ...top1, synthetic: true };
    expect(verdict({ budgets: [over], accuracy: synthetic }).nearest?.remedy).not.toContain("%");
  });

  it("a budget's miss goes before the accuracy's", () => {
    const both = verdict({ budgets: [over], accuracy: { ...top1, quantized: 0.1 }, maxDrop: 0.01 });
    expect(both.binding).toBe("weightMemory");
  });
});

describe("overruns", () => {
  it("are none at the limit, nor where only the order of addition differs", () => {
    expect(overruns([weights(2048, 2048), latency(0.1 + 0.2, 0.3)])).toEqual([]);
    expect(overruns([weights(2049, 2048)])).toHaveLength(1);
  });

  it("are not known without a figure", () => {
    expect(overruns([latency(undefined, 0.001)])).toEqual([]);
  });
});
