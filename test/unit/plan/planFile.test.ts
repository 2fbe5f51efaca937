import { describe, expect, it } from "vitest";
import { decisionsOf, parsePlan, serializePlan } from "../../../src/core/plan/planFile.ts";
import type { SearchStep } from "../../../src/core/plan/types.ts";
import { layer, plan, thrownBy } from "./support.ts";

const step: SearchStep = {
  phase: 1,
  step: 0,
  zone: "bit-decrease",
  changes: [{ layer: "conv1", from: 8, to: 6 }],
  drop: 0.004,
  pressure: 1.25,
  weightMemory: 1000,
  kept: true,
};

describe("the text of a plan", () => {
  it("has a line for each layer, budget and step", () => {
    const text = serializePlan(plan({ trace: [step, { ...step, step: 1 }] }));
    const lines = text.split("\n").map((line) => line.trim());
    for (const start of ['{ "name": "conv1"', '{ "name": "conv2"', '{ "name": "weightMemory"', '{ "phase": 1']) {
      expect(lines.filter((line) => line.startsWith(start)).length, start).toBeGreaterThan(0);
    }
    expect(lines.filter((line) => line.startsWith('{ "phase"'))).toHaveLength(2);
    expect(text.endsWith("}\n")).toBe(true);
  });

  it("differs in one line where one layer's bits differ", () => {
    const one = serializePlan(plan()).split("\n");
    const changed = plan({ layers: [layer("conv1", { weightBits: 6 }), layer("conv2", { weightBits: 2 })] });
    const other = serializePlan(changed).split("\n");
    expect(one.filter((line, i) => line !== other[i])).toHaveLength(1);
  });

  it("is the same for the same plan, and names its schema first", () => {
    expect(serializePlan(plan())).toBe(serializePlan(plan()));
    expect(serializePlan(plan()).split("\n")[1]).toContain('"$schema": "sigmaquant://schemas/sigmaquant-plan.json"');
  });

  it("comes back as the plan it was", () => {
    const original = plan({
      layers: [
        layer("a", { pinned: true, sensitivity: { 2: 0.5, 8: 0.001 }, sigma: 0.25, macs: 1_000_000_007 }),
        layer('odd "name"\n/é✓', { weightBits: null, activationBits: null, floatReason: "shared" }),
      ],
      trace: [step],
      accuracy: { metric: "top1", float: 0.933, quantized: 0.9285, samples: 2000, how: "measured" },
      certificate: { loss: 0.0143, optimum: 0.0142, bound: 0.0142, gap: 0 },
    });
    const { $schema, ...back } = parsePlan(serializePlan(original), "p") as typeof original & { $schema: string };
    expect(back).toEqual(original);
  });

  it("rounds figures to six digits, and leaves whole numbers alone", () => {
    const text = serializePlan(plan({ layers: [layer("a", { sigma: 0.123456789, params: 123_456_789 })] }));
    expect(text).toContain('"sigma": 0.123457');
    expect(text).toContain('"params": 123456789');
  });

  it("is JSON even where a harm has no bound", () => {
    const text = serializePlan(
      plan({ layers: [layer("a", { sensitivity: { 2: Number.POSITIVE_INFINITY, 4: Number.NaN, 8: 0 } })] }),
    );
    expect(JSON.parse(text).layers[0].sensitivity).toEqual({ "8": 0 });
  });

  it("of no steps has an empty list", () => {
    expect(serializePlan(plan())).toContain('"trace": []');
  });
});

describe("reading a plan", () => {
  it("takes comments, trailing commas and a byte order mark", () => {
    const text = `\ufeff${serializePlan(plan()).replace('"trace": []', '"trace": [], // nothing\n')}`;
    expect(parsePlan(text, "p").layers).toHaveLength(2);
  });

  it("says line and column of what is no JSON", () => {
    const error = thrownBy(() => parsePlan('{\n  "version": 1,\n  "model" "x"\n}', "net.sigmaquant.json"));
    expect(error.code).toBe("SQ5101");
    expect(error.place).toMatchObject({ file: "net.sigmaquant.json", line: 3, column: 11 });
  });

  it.each([
    ["another version", '"version": 1', '"version": 2', "version is 2", 3],
    ["bits that there are not", '"weightBits": 8', '"weightBits": 9', "weightBits of conv1 must be 2 to 8", undefined],
    ["half bits", '"weightBits": 8', '"weightBits": 2.5', "weightBits of conv1", undefined],
    ["a layer that is there twice", '"name": "conv2"', '"name": "conv1"', "layer conv1 is there twice", undefined],
    ["a layer without a name", '"name": "conv2", ', "", "layer 2 has no name", undefined],
    ["a pin that is no truth value", '"params": 288', '"pinned": "yes", "params": 288', "pinned of conv1", undefined],
    ["a size that is no number", '"params": 288', '"params": "288"', "params of conv1 is no number", undefined],
    ["a budget that there is not", '"name": "latency"', '"name": "speed"', "must be one of weightMemory", undefined],
    ["a verdict that there is not", '"verdict": "feasible"', '"verdict": "maybe"', "feasible, infeasible", undefined],
    [
      "a shape of no numbers",
      '"weightShape": [',
      '"weightShape": ["8", ',
      "weightShape of conv1 is no list of numbers",
      undefined,
    ],
    ["a text for a list", '"trace": []', '"trace": "none"', "trace is no list", undefined],
  ])("refuses %s, with its place", (_, from, to, message, line) => {
    const text = serializePlan(plan());
    expect(text).toContain(from);
    const broken = text.replace(from, to);
    const error = thrownBy(() => parsePlan(broken, "p"));
    expect(error.code).toBe("SQ5102");
    expect(error.message).toContain(message);
    const changed = broken.split("\n").findIndex((l, i) => l !== text.split("\n")[i]) + 1;
    expect(error.place.line).toBe(line ?? changed);
    expect(error.place.column).toBeGreaterThan(1);
    expect(error.remedy).not.toBe("");
  });

  it.each(["[]", "null", "3", '{ "version": 1 }', '{ "version": 1, "model": "m", "profile": "p", "layers": {} }', ""])(
    "refuses %j",
    (text) => {
      expect(thrownBy(() => parsePlan(text, "p")).code).toMatch(/^SQ510[12]$/);
    },
  );

  it("completes a plan that a person wrote: bits and pins of some layers", () => {
    const text = `{
      "version": 1, "model": "net.onnx", "profile": "preset:generic",
      "layers": [{ "name": "conv1", "weightBits": 8, "pinned": true }, { "name": "fc", "weightBits": null }],
    }`;
    const read = parsePlan(text, "p");
    expect(read.verdict.headline).toBe("Not checked");
    expect(read.budgets).toEqual([]);
    const { bits, pinned } = decisionsOf(read);
    expect([...bits]).toEqual([
      ["conv1", 8],
      ["fc", null],
    ]);
    expect([...pinned]).toEqual(["conv1"]);
  });
});
