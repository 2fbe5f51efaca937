import { TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { discoverLayers, quantizableSites } from "../../../src/core/model/discover.ts";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import type { OnnxModel } from "../../../src/core/onnx/model.ts";
import { quantizeGraph } from "../../../src/core/qdq/quantizeGraph.ts";
import { noisy } from "../../support/ortRun.ts";
import { quantizeTiny } from "../../support/quantizeTiny.ts";
import { type TinyModel, tinyModel, weight } from "../../support/tinyModel.ts";

const feeds = { x: noisy([2, 16]) };
const net: TinyModel = {
  opset: 25,
  ir: 12,
  inputs: { x: [2, 16] },
  outputs: ["y"],
  constants: { w: weight([16, 24], 1, 0.4), v: weight([24, 8], 2, 0.4) },
  nodes: [
    node("MatMul", ["x", "w"], ["a"], { name: "first" }),
    node("Relu", ["a"], ["r"]),
    node("MatMul", ["r", "v"], ["y"], { name: "second" }),
  ],
};

/** The network with its first layer alone quantized, as this program writes it. */
async function partly(bits: 2 | 3 | 4 | 8, pack = false): Promise<OnnxModel> {
  const model = tinyModel(net);
  const { layers } = await quantizeTiny(model, feeds, bits, null);
  const first = new Map([...layers].filter(([name]) => name === "first"));
  return quantizeGraph(model, await discoverLayers(model), first, new Map(), { pack }).model;
}

describe("a model that is partly quantized already", () => {
  it.each([2, 4, 8] as const)("keeps its weights of %i bits, counted with the bits they have", async (bits) => {
    const discovery = await discoverLayers(await partly(bits));
    expect(discovery.layers.map(({ name, storedBits, floatReason }) => [name, storedBits, floatReason])).toEqual([
      ["first", bits, `already quantized to ${bits} bits`],
      ["second", undefined, undefined],
    ]);
    const [first] = discovery.layers;
    expect(first).toMatchObject({ params: 384, floatBytes: (384 * bits) / 8 });
    expect(first?.floatDetail).toContain("--requantize");
  });

  it("says so of weights that are packed without a type of their own", async () => {
    const [first] = (await discoverLayers(await partly(3, true))).layers;
    expect(first).toMatchObject({ name: "first", floatReason: "already quantized" });
  });

  it("has every weight quantized when that is asked for", async () => {
    const discovery = await discoverLayers(await partly(4), { requantize: true });
    expect(quantizableSites(discovery).map(({ layer }) => layer.name)).toEqual(["first", "second"]);
  });

  it("counts the weights that contrib operators pack into bytes one by one", async () => {
    const model = tinyModel({
      inputs: { x: [2, 64] },
      outputs: ["y"],
      domains: { "com.microsoft": 1 },
      constants: {
        w: { dims: [8, 2, 16], data: new Uint8Array(256), type: T.UINT8 },
        s: weight([16]),
      },
      nodes: [
        node("MatMulNBits", ["x", "w", "s"], ["y"], {
          name: "packed",
          domain: "com.microsoft",
          attributes: [
            attribute.int("K", 64),
            attribute.int("N", 8),
            attribute.int("bits", 4),
            attribute.int("block_size", 32),
          ],
        }),
      ],
    });
    const [layer] = (await discoverLayers(model)).layers;
    expect(layer).toMatchObject({ params: 512, floatBytes: 256, storedBits: 4 });
  });
});
