import { SigmaQuantError } from "../../../src/core/errors.ts";
import type { BudgetUse, Plan, PlanLayer } from "../../../src/core/plan/types.ts";

export function layer(name: string, more: Partial<PlanLayer> = {}): PlanLayer {
  return {
    name,
    opType: "Conv",
    weightBits: 4,
    activationBits: 8,
    weightShape: [8, 4, 3, 3],
    params: 288,
    bytes: 176,
    ...more,
  };
}

export function plan(more: Partial<Plan> = {}): Plan {
  return {
    version: 1,
    model: "net.onnx",
    modelHash: "5b1f0c2e",
    profile: "preset:generic",
    strategy: "sigmaquant",
    activations: { quantized: true, range: "percentile" },
    sensitivityMetric: "kl",
    synthetic: false,
    layers: [layer("conv1", { weightBits: 8 }), layer("conv2", { weightBits: 2 })],
    budgets: [weights(900, 1024), { name: "latency", unit: "s" }],
    verdict: { verdict: "feasible", headline: "Fits, −0.4 points", detail: "measured on 2,000 samples" },
    trace: [],
    ...more,
  };
}

/** Use of the weight memory, bytes. */
export function weights(use: number, limit?: number): BudgetUse {
  return { name: "weightMemory", use, ...(limit !== undefined && { limit }), unit: "B" };
}

/** The SigmaQuantError that `work` throws. */
export function thrownBy(work: () => unknown): SigmaQuantError {
  try {
    work();
  } catch (error) {
    if (error instanceof SigmaQuantError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
