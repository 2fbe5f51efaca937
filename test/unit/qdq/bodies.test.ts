import { type NodeProto, TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { discoverLayers, quantizableSites } from "../../../src/core/model/discover.ts";
import { nodePaths } from "../../../src/core/model/paths.ts";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import type { OnnxModel } from "../../../src/core/onnx/model.ts";
import { bodyNets } from "../../support/bodies.ts";
import { distance, numbers, run } from "../../support/ortRun.ts";
import { quantizeTiny } from "../../support/quantizeTiny.ts";
import { tinyGraph, tinyModel, tinyStore, weight } from "../../support/tinyModel.ts";
import { sameWithWeightInputs } from "../../support/weightInputs.ts";

function net(name: string) {
  const store = tinyStore();
  const made = bodyNets[name]?.(store);
  if (made === undefined) throw new Error(`no net ${name}`);
  return { ...made, model: (opset = 17) => tinyModel({ ...made.spec, opset, ir: opset < 21 ? 8 : 10 }, store) };
}

/** Operators of every graph that has DequantizeLinear nodes, by the graph's path. */
function dequantizing({ graph }: OnnxModel): Readonly<Record<string, number>> {
  const counts = [...nodePaths(graph).graphs].map(
    ([path, { node }]) => [path, node.filter(({ opType }) => opType === "DequantizeLinear").length] as const,
  );
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

describe.each(Object.keys(bodyNets))("weights in %s", (name) => {
  const tolerance = name.includes("halves") ? 5e-3 : 1e-5;

  it("are layers, and can be fed to the model", async () => {
    const { model, feeds, layers } = net(name);
    const { discovery } = await quantizeTiny(model(), feeds[0] ?? {}, 8, null);
    expect(quantizableSites(discovery).map(({ layer }) => layer.name)).toEqual(layers);
    for (const each of feeds) await sameWithWeightInputs(model(), each, tolerance);
  });

  it.each([13, 17, 25])(
    "are quantized in opset %i, with or without activations, and compute what they should",
    async (opset) => {
      const { model, feeds } = net(name);
      for (const each of feeds) {
        for (const [bits, activationBits] of [
          [8, null],
          [4, null],
          [2, null],
          [8, 8],
        ] as const) {
          const { written, simulate } = await quantizeTiny(model(opset), each, bits, activationBits);
          const { y } = await run(written.model, each, { exactInt8: true });
          const { y: expected } = await simulate();
          const range = Math.max(...numbers(expected).map(Math.abs));
          expect(distance(y, expected) / range, `${bits} bits`).toBeLessThan(
            activationBits === null ? tolerance : 0.03,
          );
          const usual = await run(written.model, each);
          expect(distance(usual.y, expected) / range, `${bits} bits, usual`).toBeLessThan(0.03);
        }
      }
    },
  );

  it("are packed in 3 bits too", async () => {
    const { model, feeds } = net(name);
    for (const each of feeds) {
      const { written, simulate } = await quantizeTiny(model(), each, 3, null, { pack: true });
      expect(written.stored.every(({ storedBits }) => storedBits === 3)).toBe(true);
      const { y } = await run(written.model, each, { exactInt8: true });
      expect(distance(y, (await simulate()).y)).toBeLessThan(2 * tolerance);
    }
  });

  it("leave no float weight behind", async () => {
    const { model, feeds } = net(name);
    const { written, discovery } = await quantizeTiny(model(), feeds[0] ?? {}, 8, null);
    const stored = new Set(discovery.layers.map((layer) => layer.weightTensor));
    for (const { initializer } of nodePaths(written.model.graph).graphs.values())
      for (const tensor of initializer) expect(stored.has(tensor.name)).toBe(false);
  });
});

describe("weights in bodies", () => {
  it("are dequantized in the branch that needs them", async () => {
    const { model, feeds } = net("the branches of an If");
    const { written } = await quantizeTiny(model(), feeds[0] ?? {}, 8, null);
    expect(dequantizing(written.model)).toEqual({ "": 2, "2/then_branch": 2, "2/else_branch": 2 });
  });

  it("are dequantized once for all rounds of a loop", async () => {
    const { model, feeds } = net("a Loop, with a weight of its own and one that the main graph uses too");
    const { written } = await quantizeTiny(model(), feeds[0] ?? {}, 8, null);
    expect(dequantizing(written.model)).toEqual({ "": 2 });
    const { model: other, feeds: otherFeeds } = net("an If in a Loop, and a table");
    expect(dequantizing((await quantizeTiny(other(), otherFeeds[0] ?? {}, 8, null)).written.model)).toEqual({ "": 2 });
  });

  it("stay in float where the body gives the tensor out, or reads it otherwise", async () => {
    const store = tinyStore();
    const branch = (name: string, nodes: NodeProto[]) =>
      tinyGraph(name, { outputs: ["p", "q"], constants: { w: weight([4, 4]), v: weight([4, 4], 2) }, nodes }, store);
    const both = [
      node("MatMul", ["x", "w"], ["m"], { name: "first" }),
      node("MatMul", ["m", "v"], ["p"], { name: "second" }),
    ];
    const branches = [
      branch("gives", [...both, node("Identity", ["v"], ["q"])]),
      branch("adds", [...both, node("Add", ["w", "x"], ["q"], { name: "sum" })]),
    ] as const;
    const model = tinyModel(
      {
        inputs: { x: [4, 4], c: { type: T.BOOL, dims: [] } },
        outputs: ["y", "z"],
        nodes: [
          node("If", ["c"], ["y", "z"], {
            attributes: [attribute.graph("then_branch", branches[0]), attribute.graph("else_branch", branches[1])],
          }),
        ],
      },
      store,
    );
    const { layers } = await discoverLayers(model);
    expect(layers.map(({ name, floatReason }) => [name, floatReason])).toEqual([
      ["first", undefined],
      ["second", "shared with v"],
      ["first_2", "shared with sum"],
      ["second_2", undefined],
    ]);
  });
});
