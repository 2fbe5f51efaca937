import { describe, expect, it } from "vitest";
import type { Evaluation } from "../../../src/core/pipeline/evaluate.ts";
import { markdownReport, type ReportInput } from "../../../src/core/plan/report.ts";
import type { Plan } from "../../../src/core/plan/types.ts";
import { layer, plan, weights } from "./support.ts";

const evaluation: Evaluation = {
  samples: 2000,
  synthetic: false,
  float: { top1: 0.933, top5: 0.999, loss: 0.19 },
  quantized: { top1: 0.929, top5: 0.998, loss: 0.2 },
  agreement: 0.97,
  kl: 0.0239,
  nmse: 0.03,
  outputs: [{ name: "logits", shape: ["N", 10], sqnrDb: 15.2, nmse: 0.03, maxError: 1.8 }],
};

function report(more: Partial<Plan> = {}, input: Partial<ReportInput> = {}): string {
  return markdownReport({
    plan: plan(more),
    baselines: [{ bits: 4, weightMemory: 1100, fits: false, loss: 0.01 }],
    stored: [],
    files: { float: "net.onnx", floatBytes: 321_278, quantized: "net.generic.onnx", quantizedBytes: 103_072 },
    notes: [],
    ...input,
  });
}

/** Cells of the rows below a heading. */
function rows(text: string, heading: string): string[][] {
  const section = text.split(/^## /m).find((part) => part.startsWith(heading)) ?? "";
  const lines = section.split("\n").filter((line) => line.startsWith("|"));
  return lines.slice(2).map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  );
}

describe("the report", () => {
  it("begins with model, device and verdict", () => {
    expect(report({ profile: "board.hwprofile.json" }).split("\n").slice(0, 3)).toEqual([
      "# net.onnx on board.hwprofile.json",
      "",
      "**Fits, −0.4 points.** Measured on 2,000 samples.",
    ]);
  });

  it("has use, limit and margin of every budget", () => {
    expect(rows(report(), "Budgets")).toEqual([
      ["weight memory", "900 B", "1.0 KiB", "124 B"],
      ["latency", "no figure", "–", "–"],
    ]);
  });

  it("of what does not fit names the nearest point and no quantized file", () => {
    const verdict = {
      verdict: "infeasible",
      headline: "Does not fit: weight memory is 1.4 KiB over",
      detail: "This plan needs 21.4 KiB of 20.0 KiB.",
      nearest: { budgets: [], remedy: "Raise the budget of weight memory to 21.4 KiB" },
    } as const;
    const text = report({ verdict }, { files: { float: "net.onnx", floatBytes: 1000 } });
    expect(text).toContain("Nearest: Raise the budget of weight memory to 21.4 KiB.");
    expect(text).not.toContain("File:");
    expect(text).not.toContain("net.generic.onnx");
  });

  it("lays float beside quantized, with the number of samples", () => {
    const text = report({}, { evaluation });
    expect(text).toContain("on 2,000 samples:");
    expect(rows(text, "Accuracy")).toEqual([
      ["top-1", "93.3 %", "92.9 %", "−0.4 points"],
      ["top-5", "99.9 %", "99.8 %", "−0.1 points"],
      ["cross-entropy", "0.1900", "0.2000", "0.0100"],
      ["agreement with float", "–", "97.0 %", "–"],
      ["KL divergence, nats", "–", "0.0239", "–"],
      ["SQNR of logits", "–", "15.2 dB", "–"],
    ]);
  });

  it("marks figures from made-up samples", () => {
    const text = report({ synthetic: true }, { evaluation: { ...evaluation, synthetic: true } });
    expect(text).toContain("2,000 synthetic samples (they rank, but do not predict accuracy)");
  });

  it("without an evaluation tells the simulated accuracy, or that there is none", () => {
    const accuracy = { metric: "top1", float: 0.93, quantized: 0.92, samples: 10, how: "simulated" } as const;
    expect(report({ accuracy })).toContain("93.0 % → 92.0 % top-1.");
    expect(report()).toContain("Not measured.");
  });

  it("has uniform bitwidths beside the plan, which fits when only its accuracy is missed", () => {
    const verdict = { verdict: "infeasible", headline: "Fits, but", detail: "d", binding: "accuracy" } as const;
    expect(rows(report({ verdict }), "Uniform")).toEqual([
      ["uniform 4 bits", "1.1 KiB", "no", "0.0100", "–"],
      ["**sigmaquant, 5.0 bits on average**", "900 B", "yes", "–", "–"],
    ]);
    expect(rows(report({ budgets: [weights(2000, 1024)] }), "Uniform").at(-1)?.[2]).toBe("no");
  });

  it("tells what uniform bitwidths would lose without the run's recovery", () => {
    const accuracy = { metric: "top1", float: 0.93, quantized: 0.9, samples: 10, how: "simulated" } as const;
    const rounded = { ...accuracy, quantized: 0.5 };
    const baselines = [{ bits: 4, weightMemory: 1100, fits: false, loss: 0.01, accuracy, rounded }] as const;
    expect(rows(report({}, { baselines }), "Uniform")[0]?.slice(-2)).toEqual([
      "93.0 % → 90.0 % top-1",
      "93.0 % → 50.0 % top-1",
    ]);
  });

  it("has a row for each layer, with pins and the reasons for float", () => {
    const layers = [
      layer("conv1", {
        weightBits: 4,
        pinned: true,
        sigma: 0.25,
        sensitivity: { 4: 0.0012 },
        macs: 4321,
        latencyS: 2e-3,
      }),
      layer("embed", {
        opType: "Gather",
        weightBits: null,
        activationBits: null,
        floatReason: "Gather stays in float",
      }),
    ];
    const [first, second] = rows(report({ layers }), "Layers");
    expect(first).toEqual([
      "1",
      "conv1",
      "Conv",
      "8×4×3×3",
      "288",
      "4,321",
      "0.2500",
      "0.0012",
      "4 pinned",
      "8",
      "176 B",
      "2.00 ms",
      "–",
    ]);
    expect(second?.slice(7, 10)).toEqual(["Gather stays in float", "float", "float"]);
  });

  it("keeps its tables whole whatever layers and outputs are called", () => {
    const name = "a|b\n*c* <img>";
    const outputs = [{ name, shape: ["N" as const, 2], sqnrDb: 1, nmse: 0.1, maxError: 1 }];
    const text = report(
      { layers: [layer(name, { opType: "Co|nv" })], model: "m\n# x" },
      { evaluation: { ...evaluation, outputs } },
    );
    expect(rows(text, "Layers")[0]).toHaveLength(13);
    expect(rows(text, "Accuracy").at(-1)).toHaveLength(4);
    expect(text).not.toContain("<img>");
    expect(text.match(/^# /gm)).toHaveLength(1);
  });

  it("says how far from the optimum the plan is proven to be", () => {
    const certificate = { loss: 0.0143, optimum: 0.0142, bound: 0.0142, gap: 0 };
    expect(report({ certificate })).toContain("has a total of 0.0142 (proven optimal); this plan has 0.0143");
    expect(report({ certificate: { ...certificate, gap: 0.0005 } })).toContain("within 0.05 % of a proven bound");
  });

  it("tells the steps of the search, and which were taken back", () => {
    const step = {
      phase: 2,
      step: 3,
      zone: "transition",
      changes: [{ layer: "conv|1", from: 4, to: 6 }],
      drop: 0.012,
      pressure: 0.999,
      weightMemory: 2048,
      kept: false,
    } as const;
    const many = { ...step, step: 4, kept: true, changes: Array.from({ length: 5 }, () => step.changes[0]) };
    expect(rows(report({ trace: [step, many] }), "Search")).toEqual([
      ["3 (taken back)", "2", "transition", "conv\\|1 4→6", "−1.2 points", "2.0 KiB", "99.9 %"],
      ["4", "2", "transition", "5 layers", "−1.2 points", "2.0 KiB", "99.9 %"],
    ]);
  });

  it("says which bitwidths the file stores in a wider type, and repeats the notes as sentences", () => {
    const stored = [
      { layer: "conv1", bits: 3, storedBits: 4, bytes: 144 },
      { layer: "conv2", bits: 4, storedBits: 4, bytes: 144 },
    ] as const;
    const text = report({}, { stored, notes: ["opset raised from 13 to 21"] });
    expect(text).toContain("- Opset raised from 13 to 21.");
    expect(text).toContain("1 of 2 quantized layers");
    expect(text).toContain("take 288 B there");
    expect(text).toContain("conv1 3→4");
    expect(text).not.toContain("conv2 4→4");
  });
});
