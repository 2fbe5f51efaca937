import { describe, expect, it } from "vitest";
import { discoverLayers } from "../../../src/core/model/discover.ts";
import { attribute, node } from "../../../src/core/onnx/build.ts";
import { distance, noisy, numbers, run } from "../../support/ortRun.ts";
import { quantizeTiny } from "../../support/quantizeTiny.ts";
import { type TinyModel, tinyModel, weight } from "../../support/tinyModel.ts";

/** Weights of half the size in each block of 32 inputs. @param isTransposed [outputs, inputs] */
function matrix(inputs: number, outputs: number, isTransposed: boolean, seed: number) {
  const { data } = weight([inputs, outputs], seed, 0.5);
  const inputOf = (i: number) => (isTransposed ? i % inputs : Math.floor(i / outputs));
  return {
    dims: isTransposed ? [outputs, inputs] : [inputs, outputs],
    data: Float32Array.from(data as Float32Array, (v, i) => v / 2 ** Math.floor(inputOf(i) / 32)),
  };
}

/** Two products behind each other. */
function net(op: "MatMul" | "Gemm" | "Gemm, transB", inputs = 100, outputs = 48): TinyModel {
  const isTransposed = op === "Gemm, transB";
  const options = isTransposed ? { attributes: [attribute.int("transB", 1)] } : {};
  const opType = op === "MatMul" ? "MatMul" : "Gemm";
  return {
    opset: 17,
    inputs: { x: [16, inputs] },
    outputs: ["y"],
    constants: { w: matrix(inputs, outputs, isTransposed, 1), v: matrix(outputs, 16, isTransposed, 2) },
    nodes: [
      node(opType, ["x", "w"], ["a"], { ...options, name: "first" }),
      node("Relu", ["a"], ["r"]),
      node(opType, ["r", "v"], ["y"], { ...options, name: "second" }),
    ],
  };
}

const feeds = { x: noisy([16, 100]) };

describe.each(["MatMul", "Gemm", "Gemm, transB"] as const)("weights of %s in blocks of 32", (op) => {
  it.each([
    [2, null],
    [4, null],
    [8, null],
    [2, 8],
    [4, 8],
    [8, 8],
  ] as const)("of %i bits, activations %s, load with default options and compute what they should", async (bits, a) => {
    const { written, simulate } = await quantizeTiny(tinyModel(net(op)), feeds, bits, a, { blockSize: 32 });
    const { y: expected } = await simulate();
    const range = Math.max(...numbers(expected).map(Math.abs));
    const { y: exact } = await run(written.model, feeds, { exactInt8: true });
    expect(distance(exact, expected) / range).toBeLessThan(a === null ? 1e-5 : 0.03);
    // ONNX Runtime quantizes by itself what products of such weights read.
    const { y: usual } = await run(written.model, feeds);
    expect(distance(usual, expected) / range).toBeLessThan(a === null ? 0.01 : 0.03);
  });

  it("have a scale for each block, the last one shorter", async () => {
    const { written } = await quantizeTiny(tinyModel(net(op)), feeds, 8, null, { blockSize: 32 });
    expect(written.stored).toMatchObject([
      { layer: "first", bytes: 4800 + 4 * 4 * 48 },
      { layer: "second", bytes: 768 + 4 * 2 * 16 },
    ]);
    const scales = written.model.graph.initializer.filter(({ name }) => name.endsWith(".scale"));
    const dims = [
      [4, 48],
      [2, 16],
    ];
    expect(scales.map((scale) => scale.dims.map(Number))).toEqual(
      op === "Gemm, transB" ? dims.map((each) => each.toReversed()) : dims,
    );
    expect(written.notes).toEqual(["Opset raised from 17 to 21, for scales of blocks"]);
  });

  it("are closer to float than with one scale for a whole output", async () => {
    const model = tinyModel(net(op));
    const { y: float } = await run(model, feeds);
    const errorOf = async (options: { readonly blockSize?: number }) =>
      distance((await (await quantizeTiny(model, feeds, 3, null, options)).simulate()).y, float);
    expect(await errorOf({ blockSize: 32 })).toBeLessThan(await errorOf({}));
  });
});

it("are found again in what was written", async () => {
  const { written } = await quantizeTiny(tinyModel(net("Gemm, transB")), feeds, 4, 8, { blockSize: 32 });
  const { layers } = await discoverLayers(written.model);
  expect(layers.map(({ name, storedBits, weightShape }) => [name, storedBits, weightShape])).toEqual([
    ["first", 4, [48, 100]],
    ["second", 4, [16, 48]],
  ]);
});
