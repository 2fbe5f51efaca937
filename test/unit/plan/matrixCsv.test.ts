import { describe, expect, it } from "vitest";
import { figuresOfPlan } from "../../../src/core/plan/deviceFigures.ts";
import { matrixCsv } from "../../../src/core/plan/matrixCsv.ts";
import { layer, plan, weights } from "./support.ts";

const accuracy = { metric: "top1", float: 0.93, quantized: 0.92, samples: 200, how: "simulated" } as const;

function table(text: string): Record<string, string>[] {
  const [head = [], ...rows] = text
    .trimEnd()
    .split("\r\n")
    .map((line) => line.split(","));
  return rows.map((row) => Object.fromEntries(head.map((name, i) => [name, row[i] ?? ""])));
}

describe("a comparison as a spreadsheet", () => {
  const layers = [layer("a", { weightBits: 8 }), layer("b", { weightBits: 2 }), layer("c", { weightBits: null })];
  const verdict = { verdict: "feasible", headline: "Fits", detail: "" } as const;
  const figures = figuresOfPlan(plan({ layers, accuracy, budgets: [weights(900, 1024)], verdict }));

  it("has a line for each model on each device, with raw numbers", () => {
    const [row] = table(matrixCsv([{ model: "net.onnx", device: "Board", profile: "board.hwprofile.json", figures }]));
    expect(row).toMatchObject({
      model: "net.onnx",
      device: "Board",
      profile: "board.hwprofile.json",
      verdict: "feasible",
      average_bits: "5",
      layers_2bit: "1",
      layers_4bit: "0",
      layers_8bit: "1",
      layers_float: "1",
      weight_memory_bytes: "900",
      weight_memory_bytes_limit: "1024",
      latency_s: "",
      accuracy: "0.92",
      accuracy_how: "simulated",
      made_up_samples: "no",
      problem: "",
    });
  });

  it("leaves the figures out of a device that the model can't be laid on, and says why", () => {
    const [row] = table(matrixCsv([{ model: "net.onnx", device: "Board", profile: "p", problem: "pinned to 3 bits" }]));
    expect(row).toMatchObject({ verdict: "", average_bits: "", layers_2bit: "", problem: "pinned to 3 bits" });
  });

  it("a device called like a formula is none", () => {
    const [row] = table(matrixCsv([{ model: "=A1", device: "+1", profile: "p" }]));
    expect(row).toMatchObject({ model: "'=A1", device: "'+1" });
  });
});
