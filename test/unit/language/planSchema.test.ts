import { describe, expect, it } from "vitest";
import { readPlanText } from "../../../src/server/language/planText.ts";

const plan = {
  version: 1,
  model: "net.onnx",
  profile: "board.hwprofile.json",
  layers: [
    { name: "conv1", weightBits: 4 },
    { name: "conv2", weightBits: 8 },
  ],
};

function problemOf(text: string) {
  return readPlanText(text).problem;
}

describe("problems of a plan that an editor finds with the schema by itself", () => {
  it.each([
    ["broken JSON", JSON.stringify(plan).replace(",", ",,")],
    ["a key twice", JSON.stringify(plan).replace('"model"', '"model": "a", "model"')],
    ["no plan at all", "[]"],
    ["a missing member", JSON.stringify({ ...plan, model: undefined })],
    ["another version", JSON.stringify({ ...plan, version: 2 })],
    ["bits that there are not", JSON.stringify({ ...plan, layers: [{ name: "conv1", weightBits: 9 }] })],
  ])("are marked as such: %s", (_, text) => {
    expect(problemOf(text)).toMatchObject({ inSchema: true });
  });

  it.each([
    ["a layer twice", JSON.stringify({ ...plan, layers: [...plan.layers, plan.layers[0]] })],
    ["nothing", ""],
    ["values nested too deep", "[".repeat(40)],
  ])("are not those that it can't find: %s", (_, text) => {
    expect(problemOf(text)).toMatchObject({ inSchema: false });
  });

  it("are none where the plan is right", () => {
    expect(problemOf(JSON.stringify(plan))).toBeUndefined();
  });
});
