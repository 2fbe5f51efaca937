import { describe, expect, it } from "vitest";
import { attribute, node, valueInfo } from "../../../src/core/onnx/build.ts";
import { modelText } from "../../../src/core/onnx/textModel.ts";
import {
  figuresOf,
  type LayerFigures,
  type ModelTextContext,
  summaryOf,
} from "../../../src/server/language/modelTextContext.ts";
import { modelTextHints } from "../../../src/server/language/modelTextHints.ts";
import { modelTextHover } from "../../../src/server/language/modelTextHover.ts";
import { modelTextLenses } from "../../../src/server/language/modelTextLenses.ts";
import { modelTextSymbols, modelTextTarget } from "../../../src/server/language/modelTextPlaces.ts";
import { floats } from "../../support/onnx/everything.ts";
import { graphOf, modelOf } from "../../support/onnx/models.ts";
import { openNet, workspace } from "./support.ts";

const net = modelOf({
  inputs: [valueInfo("x", 1, [1])],
  initializers: [floats("w", 99), floats("v/w", 99)],
  nodes: [
    node("Conv", ["x", "w"], ["a"], { name: "conv", attributes: [attribute.int("group", 1)] }),
    node("If", ["c"], ["b"], {
      name: "branch",
      attributes: [
        attribute.graph("then_branch", graphOf({ nodes: [node("MatMul", ["a", "v/w"], ["m"], { name: "inner" })] })),
      ],
    }),
    node("Gemm", ["b", "v/w"], ["y"]),
  ],
});
const made = modelText(net);
const layers = new Map([
  ["0", "conv"],
  ["1/then_branch/0", "inner"],
  ["2", "v/w"],
]);

function context(figures: Readonly<Record<string, LayerFigures>> = {}, summary?: string): ModelTextContext {
  return {
    uri: "sigmaquant-text:/net.onnx (text)",
    modelUri: "file:///net.onnx",
    text: made.text,
    made: { ...made, layers },
    figures: new Map(Object.entries(figures)),
    ...(summary !== undefined && { summary }),
  };
}

const whole = { offset: 0, length: made.text.length };
const labels = (figures: Readonly<Record<string, LayerFigures>>) =>
  modelTextHints(context(figures), whole).map(
    ({ label, offset }) => `${made.text.slice(0, offset).split(" ").at(-1)}: ${label}`,
  );
const at = (piece: string, within = 1) => made.text.indexOf(piece) + within;

describe("hints in a model's text", () => {
  it("stand behind the operators of layers, bodies included", () => {
    const figures = { conv: { bits: 8, sigma: 0.1149, sensitivity: 0.0002, metric: "KL", synthetic: false } } as const;
    expect(labels({ ...figures, inner: { floatReason: "in a loop", synthetic: false } })).toEqual([
      "Conv: 8 bits, σ 0.115, KL 0.0002",
      "MatMul: float: in a loop",
    ]);
  });

  it("mark what was measured on made-up samples, and tell estimates from measurements", () => {
    expect(labels({ conv: { bits: 4, sensitivity: 0.00001, metric: "NMSE", synthetic: true } })).toEqual([
      "Conv: 4 bits, NMSE ~<0.0001",
    ]);
    expect(labels({ conv: { bits: 2, sensitivity: 0.5, metric: "KL est.", synthetic: false } })).toEqual([
      "Conv: 2 bits, KL est. 0.5000",
    ]);
  });

  it("have what is known so far, and nothing of what is not", () => {
    expect(labels({ conv: { sigma: 0.00321, synthetic: false }, inner: { synthetic: false } })).toEqual([
      "Conv: σ 0.0032",
    ]);
    expect(labels({ conv: { bits: null, synthetic: false } })).toEqual(["Conv: float"]);
  });

  it("stay short: a long reason is in the hover", () => {
    const reason = "its weight is computed by other nodes";
    const [hint] = modelTextHints(context({ conv: { floatReason: reason, synthetic: false } }), whole);
    expect(hint?.label).toBe("float: its weight is computed b…");
    expect(hint?.label).toHaveLength(32);
    expect(hint?.tooltip).toBe(reason);
    const long = { bits: 8, sigma: 1234.5678, sensitivity: 12345.6789, metric: "KL est.", synthetic: true } as const;
    expect(labels({ conv: long })).toEqual(["Conv: 8 bits, σ 1234.568"]);
  });

  it("are made for what is looked at alone", () => {
    const known = { conv: { bits: 8, synthetic: false }, "v/w": { bits: 2, synthetic: false } } as const;
    const seen = { offset: at("Gemm"), length: 1 };
    expect(modelTextHints(context(known), seen).map(({ label }) => label)).toEqual(["2 bits"]);
  });
});

describe("places in a model's text", () => {
  it("lead from a layer's name, or its operator, to the layer", () => {
    expect(modelTextTarget(context(), at("[conv]"))).toMatchObject({ kind: "layer", layer: "conv" });
    expect(modelTextTarget(context(), at("Gemm"))).toMatchObject({ kind: "layer", layer: "v/w" });
    expect(modelTextTarget(context(), at("[branch]"))).toBeUndefined();
  });

  it("lead from a value to where it is made, from within a body too", () => {
    const target = modelTextTarget(context(), at("MatMul (a", "MatMul (".length));
    expect(target?.kind === "value" && made.text.slice(target.to.offset, target.to.offset + 8)).toBe("a = Conv");
    const quoted = modelTextTarget(context(), at('(b, "v/w")', 6));
    expect(quoted?.kind === "value" && made.text.slice(target ? quoted.to.offset : 0).startsWith('"v/w" = {}')).toBe(
      true,
    );
    expect(modelTextTarget(context(), at("(c)"))).toBeUndefined();
  });

  it("are in the outline with the bits of layers, bodies below their nodes", () => {
    const [graph] = modelTextSymbols(
      context({ conv: { bits: 4, synthetic: false }, inner: { floatReason: "x", synthetic: false } }),
    );
    const names = graph?.children.map(({ name, detail, kind }) => [name, detail, kind]);
    expect(names).toEqual([
      ["conv", "Conv, 4 bits", "layer"],
      ["branch", "If", "node"],
      ["y", "Gemm", "layer"],
    ]);
    const [body] = graph?.children[1]?.children ?? [];
    expect([body?.name, body?.children[0]?.name, body?.children[0]?.detail]).toEqual([
      "then_branch",
      "inner",
      "MatMul, float",
    ]);
  });

  it("of a text that is not the file's any more lead nowhere", () => {
    const { made: _, ...stale } = context({ conv: { bits: 8, synthetic: false } });
    expect(modelTextHints(stale, whole)).toEqual([]);
    expect(modelTextSymbols(stale)).toEqual([]);
    expect(modelTextLenses(stale)).toEqual([]);
    expect(modelTextTarget(stale, at("[conv]"))).toBeUndefined();
    expect(modelTextHover(stale, at("[conv]"))).toBeUndefined();
  });
});

describe("the lens of a model's text", () => {
  it("stands above the nodes, with the way to the table", () => {
    const lenses = modelTextLenses(context({}, "2 of 3 layers quantized"));
    expect(lenses.map(({ title }) => title)).toEqual(["2 of 3 layers quantized", "Show in table"]);
    for (const { offset } of lenses) expect(made.text.slice(offset, offset + 2)).toBe("{\n");
  });
});

describe("what a session knows", () => {
  it("is sigma alone without a device, and nothing of bits", async () => {
    const session = await openNet(await workspace());
    const figures = figuresOf(session);
    expect([...figures.keys()]).toEqual(["conv1", "conv2", "fc"]);
    for (const { sigma, bits, sensitivity } of figures.values()) {
      expect(sigma).toBeGreaterThan(0);
      expect([bits, sensitivity]).toEqual([undefined, undefined]);
    }
    expect(summaryOf(session)).toBe("3 of 3 layers can be quantized");
  });
});
