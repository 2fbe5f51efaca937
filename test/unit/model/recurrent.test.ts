import { describe, expect, it } from "vitest";
import { discoverLayers } from "../../../src/core/model/discover.ts";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import { prepareModel } from "../../../src/core/pipeline/prepare.ts";
import { distance, inference, noisy, run } from "../../support/ortRun.ts";
import { quantizeTiny } from "../../support/quantizeTiny.ts";
import { type TinyModel, tinyModel, weight } from "../../support/tinyModel.ts";
import { sameWithWeightInputs } from "../../support/weightInputs.ts";

const gates = { LSTM: 4, GRU: 3, RNN: 1 } as const;
type Recurrent = keyof typeof gates;
const hidden = 5;
const feeds = { x: noisy([7, 2, 6]) };

/** Steps 7, batch 2, inputs 6, hidden 5. */
function net(op: Recurrent, directions: 1 | 2, output = "y"): TinyModel {
  const rows = gates[op] * hidden;
  const outputs = output === "y" ? ["y"] : ["", output];
  return {
    opset: 22,
    ir: 10,
    inputs: { x: [7, 2, 6] },
    outputs: [output],
    constants: { w: weight([directions, rows, 6], 1, 0.6), r: weight([directions, rows, hidden], 2, 0.6) },
    nodes: [
      node(op, ["x", "w", "r"], outputs, {
        name: "rnn",
        attributes: [
          attribute.int("hidden_size", hidden),
          attribute.string("direction", directions === 2 ? "bidirectional" : "forward"),
        ],
      }),
    ],
  };
}

describe.each(["LSTM", "GRU", "RNN"] as const)("the weights of %s", (op) => {
  it.each([1, 2] as const)(
    "are two layers, with a scale for each gate, output and direction (%i)",
    async (directions) => {
      const { layers } = await discoverLayers(tinyModel(net(op, directions)));
      const rows = directions * gates[op] * hidden;
      expect(layers).toMatchObject([
        { name: "rnn.W", opType: op, weightShape: [rows, 6], channelAxis: 0, params: rows * 6, weightsOnly: true },
        { name: "rnn.R", opType: op, weightShape: [rows, hidden], channelAxis: 0, params: rows * hidden },
      ]);
      for (const layer of layers) expect(layer).not.toHaveProperty("floatReason");
    },
  );

  it("can be fed, and count a product for every step and sample", async () => {
    await sameWithWeightInputs(tinyModel(net(op, 2)), feeds);
    for (const output of ["y", "h"]) {
      const { discovery } = await prepareModel(tinyModel(net(op, 2, output)), { inference });
      for (const layer of discovery.layers) expect(layer.macs).toBe(7 * 2 * layer.params);
    }
  });

  it.each([2, 4, 8] as const)("are written in %i bits, and compute what they should", async (bits) => {
    const model = tinyModel(net(op, 2));
    const { written, simulate } = await quantizeTiny(model, feeds, bits, 8);
    const rows = 2 * gates[op] * hidden;
    const zeros = bits === 4 ? 0 : rows;
    expect(written.stored).toMatchObject([
      { layer: "rnn.W", storedBits: bits, bytes: (rows * 6 * bits) / 8 + 4 * rows + zeros },
      { layer: "rnn.R", storedBits: bits, bytes: Math.ceil((rows * hidden * bits) / 8) + 4 * rows + zeros },
    ]);
    const { y } = await run(written.model, feeds);
    expect(distance(y, (await simulate()).y)).toBeLessThan(1e-5);
    const { layers } = await discoverLayers(written.model);
    expect(layers.map(({ storedBits }) => storedBits)).toEqual([bits, bits]);
  });
});

it("directions do not share scales, however different they are", async () => {
  const small = net("LSTM", 2);
  const w = small.constants?.w as ReturnType<typeof weight>;
  const half = w.data.length / 2;
  const uneven = Float32Array.from(w.data as Float32Array, (v, i) => (i < half ? v / 1000 : v));
  const model = tinyModel({ ...small, constants: { ...small.constants, w: { ...w, data: uneven } } });
  const { layers, discovery } = await quantizeTiny(model, feeds, 8, null);
  const scales = layers.get("rnn.W")?.scales ?? new Float32Array();
  expect(scales.length).toBe(discovery.layers[0]?.weightShape[0]);
  const [first, second] = [scales.subarray(0, scales.length / 2), scales.subarray(scales.length / 2)];
  expect(Math.max(...first)).toBeLessThan(Math.min(...second) / 10);
});
