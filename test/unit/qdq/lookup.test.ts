import { TensorProto_DataType as T } from "onnx-buf";
import { describe, expect, it } from "vitest";
import { discoverLayers } from "../../../src/core/model/discover.ts";
import { node } from "../../../src/core/onnx/build.ts";
import type { Tensor } from "../../../src/core/ports.ts";
import { distance, run } from "../../support/ortRun.ts";
import { quantizeTiny } from "../../support/quantizeTiny.ts";
import { halfWeight, ints, type TinyModel, tinyModel, weight } from "../../support/tinyModel.ts";
import { sameWithWeightInputs } from "../../support/weightInputs.ts";

const ids = (values: readonly number[], dims = [values.length]): Tensor => ({
  type: "int64",
  dims,
  data: BigInt64Array.from(values, BigInt),
});
const feeds = { ids: ids([3, -1, 0, 3, 9, 2], [2, 3]) };
const table = (spec: Partial<TinyModel> = {}): TinyModel => ({
  opset: 13,
  inputs: { ids: { type: T.INT64, dims: [2, 3] } },
  outputs: ["y"],
  constants: { t: weight([10, 8]) },
  nodes: [node("Gather", ["t", "ids"], ["y"], { name: "embed" })],
  ...spec,
});

describe("a table that rows are looked up in", () => {
  it("is a layer with a scale for each row, whose activations stay in float", async () => {
    const { discovery, written, activations } = await quantizeTiny(tinyModel(table()), feeds, 8, 8);
    expect(discovery.layers).toMatchObject([
      { name: "embed", opType: "Gather", channelAxis: 0, weightShape: [10, 8], weightsOnly: true },
    ]);
    expect([...activations]).toEqual([]);
    expect(written.stored).toMatchObject([{ layer: "embed", storedBits: 8, bytes: 80 + 40 }]);
  });

  it.each([2, 3, 4, 8] as const)("gives the very numbers that its integers of %i bits stand for", async (bits) => {
    const { written, simulate } = await quantizeTiny(tinyModel(table()), feeds, bits, null);
    const { y } = await run(written.model, feeds);
    expect(distance(y, (await simulate()).y)).toBe(0);
    expect(y?.dims).toEqual([2, 3, 8]);
  });

  it("is scaled behind the lookup, so that the rest of it is never dequantized", async () => {
    const { written } = await quantizeTiny(tinyModel(table()), feeds, 4, null);
    const ops = written.model.graph.node.map(({ opType }) => opType);
    expect(ops).toEqual(["Cast", "Gather", "Gather", "Cast", "Mul"]);
    expect(written.model.graph.initializer.map(({ name }) => name)).toEqual(["t.quantized", "t.row_scale"]);
    expect(written.notes).toEqual(["Opset raised from 13 to 21, for tables of 4 bits"]);
  });

  it("is stored once for all lookups in it", async () => {
    const spec = table({
      outputs: ["y", "z"],
      nodes: [node("Gather", ["t", "ids"], ["y"]), node("Gather", ["t", "other"], ["z"])],
      inputs: { ids: { type: T.INT64, dims: [2, 3] }, other: { type: T.INT64, dims: [1] } },
    });
    const all = { ...feeds, other: ids([5]) };
    const { written, simulate } = await quantizeTiny(tinyModel(spec), all, 2, null);
    expect(written.stored).toMatchObject([{ storedBits: 2, bytes: 20 + 40 }]);
    const [actual, expected] = [await run(written.model, all), await simulate()];
    for (const name of ["y", "z"]) expect(distance(actual[name], expected[name])).toBe(0);
  });

  it("of halves gives halves", async () => {
    const spec = table({ outputs: { y: { type: T.FLOAT16, dims: [2, 3, 8] } }, constants: { t: halfWeight([10, 8]) } });
    const { written, simulate } = await quantizeTiny(tinyModel(spec), feeds, 8, null);
    const { y } = await run(written.model, feeds);
    expect(y?.type).toBe("float16");
    expect(distance(y, (await simulate()).y)).toBeLessThan(1e-3);
  });

  it("runs with the table as an input", async () => {
    const spec = table({
      constants: { u: weight([80]), s: ints([10, 8]) },
      nodes: [node("Reshape", ["u", "s"], ["t"]), node("Gather", ["t", "ids"], ["y"])],
    });
    await sameWithWeightInputs(tinyModel(spec), feeds);
  });

  it("is found again in what was written, and left alone", async () => {
    const spec = table({ constants: { t: weight([64, 8]) } });
    const { written } = await quantizeTiny(tinyModel(spec), feeds, 2, null);
    const [layer, ...others] = (await discoverLayers(written.model)).layers;
    expect(others).toEqual([]);
    expect(layer).toMatchObject({ opType: "Gather", params: 512, floatBytes: 128, storedBits: 2 });
  });
});
