import { expect } from "vitest";
import { copyModel, type OnnxModel } from "../../../src/core/onnx/model.ts";
import { raiseOpset } from "../../../src/core/onnx/opset.ts";
import { modelBytes } from "../../../src/core/onnx/write.ts";
import type { Tensor } from "../../../src/core/ports.ts";
import { inference, numbers } from "../ortRun.ts";

type Feeds = Readonly<Record<string, Tensor>>;

/** Runs a model as it is written: optimizations of the runtime could hide what a node means. */
export async function runPlain(model: OnnxModel, feeds: Feeds): Promise<Readonly<Record<string, Tensor>>> {
  const session = await inference.open(await modelBytes(model), { optimization: "disabled" });
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

/**
 * Raises a copy of the model to each of the opsets and expects ONNX Runtime to give the same outputs as for the original.
 * @param tolerance 0 unless the runtime has another kernel, which sums in another order
 */
export async function expectSame(
  model: OnnxModel,
  targets: readonly number[],
  feeds: Feeds,
  tolerance = 0,
): Promise<readonly OnnxModel[]> {
  const before = await runPlain(model, feeds);
  const raised: OnnxModel[] = [];
  for (const target of targets) {
    const copy = copyModel(model);
    expect(raiseOpset(copy, target).blockers, `opset ${target}`).toEqual([]);
    expect(copy.proto.opsetImport.find((opset) => opset.domain === "")?.version).toBe(BigInt(target));
    const after = await runPlain(copy, feeds);
    expect(Object.keys(after)).toEqual(Object.keys(before));
    for (const [name, tensor] of Object.entries(before)) {
      const other = after[name];
      expect(other?.type, name).toBe(tensor.type);
      expect(other?.dims, `${name} at opset ${target}`).toEqual(tensor.dims);
      const [x, y] = [numbers(tensor), numbers(other)];
      if (tolerance === 0) expect(y, `${name} at opset ${target}`).toEqual(x);
      else {
        const worst = x.reduce((most, value, i) => Math.max(most, Math.abs(value - (y[i] as number))), 0);
        expect(worst, `${name} at opset ${target}`).toBeLessThanOrEqual(tolerance);
      }
    }
    raised.push(copy);
  }
  return raised;
}
