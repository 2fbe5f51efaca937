import { describe, expect, it } from "vitest";
import { CandidateWeights, roundToNearest, type WeightQuantizer } from "../../../src/core/pipeline/candidates.ts";
import { openResnet8 } from "./support.ts";

describe("candidate weights", () => {
  it("are made again where there is not the memory to keep all of them", async () => {
    const { prepared } = await openResnet8();
    const [first = "", second = ""] = prepared.discovery.sites.keys();
    const room = prepared.discovery.sites.get(second)?.layer.params ?? 0;
    const small = new CandidateWeights({ ...prepared, memory: 4 * room }, roundToNearest);
    const made = await small.quantizedLayer(first, 4);
    expect(await small.quantizedLayer(first, 4)).toBe(made);
    await small.quantizedLayer(second, 4);
    const again = await small.quantizedLayer(first, 4);
    expect(again).not.toBe(made);
    expect(again).toEqual(made);
  });

  it("are taken over by another job: what is computed is shared, and the end of the first job is not the second's", async () => {
    const { prepared } = await openResnet8();
    const [first = "", second = ""] = prepared.discovery.sites.keys();
    const asked: string[] = [];
    const counting: WeightQuantizer = {
      async quantize(site, weight, bias, bits, signal) {
        signal?.throwIfAborted();
        asked.push(site.layer.name);
        return roundToNearest.quantize(site, weight, bias, bits, signal);
      },
    };
    const cancelled = new AbortController();
    const weights = new CandidateWeights(prepared, counting, cancelled.signal);
    const made = await weights.quantizedLayer(first, 4);
    cancelled.abort(new Error("cancelled"));
    await expect(weights.quantizedLayer(second, 4)).rejects.toThrow("cancelled");
    const later = weights.under(new AbortController().signal);
    expect(await later.quantizedLayer(first, 4)).toBe(made);
    expect((await later.quantizedLayer(second, 4)).bits).toBe(4);
    expect(asked).toEqual([first, second]);
  });
});
