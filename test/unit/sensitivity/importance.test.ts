import { describe, expect, it } from "vitest";
import { random } from "../../../src/core/data/random.ts";
import type { Tensor } from "../../../src/core/ports.ts";
import { drawSamples, sampleImportance } from "../../../src/core/sensitivity/importance.ts";

function rows(dims: readonly number[], data: readonly number[]): Tensor {
  return { type: "float32", dims, data: Float32Array.from(data) };
}

/** Importances spread over decades, as those of a trained network's samples. */
function skewed(count: number, seed: number): Float64Array {
  const draw = random(seed);
  return Float64Array.from({ length: count }, () => Math.exp(2 * draw.gaussian()));
}

describe("a sample's importance", () => {
  it("is 1 - sum p^2 of its class probabilities, from logits and from probabilities alike", () => {
    const expected = 1 - (0.25 ** 2 + 0.75 ** 2);
    const [fromLogits] = sampleImportance("logits", rows([1, 2], [0, Math.log(3)]), 1);
    const [fromProbabilities] = sampleImportance("probabilities", rows([1, 2], [0.25, 0.75]), 1);
    expect(fromLogits).toBeCloseTo(expected, 6);
    expect(fromProbabilities).toBeCloseTo(expected, 6);
  });

  it("adds up over the rows of a sample: positions of a sequence", () => {
    const certain = [1, 0];
    const doubtful = [0.5, 0.5];
    const output = rows([2, 2, 2], [...certain, ...doubtful, ...doubtful, ...doubtful]);
    const importance = sampleImportance("probabilities", output, 2);
    expect(importance[0]).toBeCloseTo(0.5, 6);
    expect(importance[1]).toBeCloseTo(1, 6);
  });

  it("is the same for all where the output is no classes, is missing, or has no rows for each sample", () => {
    const output = rows([3, 2], [1, 0, 0, 1, 0.5, 0.5]);
    for (const importance of [
      sampleImportance("values", output, 3),
      sampleImportance("logits", undefined, 3),
      sampleImportance("logits", output, 2),
    ]) {
      expect(new Set(importance).size).toBe(1);
    }
  });
});

describe("drawn samples", () => {
  it.each([
    [100, 25],
    [256, 64],
    [50, 49],
  ])("of %d are exactly %d, each once, ascending, and stand for about all", (total, count) => {
    const { indices, weights } = drawSamples(skewed(total, 3), count);
    expect(indices).toHaveLength(count);
    expect([...indices]).toEqual([...new Set(indices)].sort((a, b) => a - b));
    expect(Math.min(...weights)).toBeGreaterThanOrEqual(1);
    const sum = weights.reduce((a, b) => a + b, 0);
    expect(sum).toBeGreaterThan(0.8 * total);
    expect(sum).toBeLessThan(1.2 * total);
  });

  it("may be a single one", () => {
    expect(drawSamples(skewed(7, 3), 1).indices).toHaveLength(1);
  });

  it("are all of them, with weight 1, where no more are there", () => {
    const { indices, weights } = drawSamples(skewed(5, 1), 8);
    expect([...indices]).toEqual([0, 1, 2, 3, 4]);
    expect([...weights]).toEqual([1, 1, 1, 1, 1]);
  });

  it("are spread evenly with equal weights where all matter alike, also when none matters", () => {
    for (const value of [1, 0]) {
      const { indices, weights } = drawSamples(new Float64Array(100).fill(value), 25);
      expect([...weights].every((w) => Math.abs(w - 4) < 1e-9)).toBe(true);
      const steps = [...indices].slice(1).map((index, i) => index - (indices[i] as number));
      expect(new Set(steps)).toEqual(new Set([4]));
    }
  });

  it("estimate a mean that follows the importance several times better than as many plain ones", () => {
    let ours = 0;
    let plain = 0;
    for (let seed = 0; seed < 30; seed++) {
      const importance = skewed(256, seed);
      const draw = random(seed, 1);
      const harm = importance.map((value) => value * Math.exp(0.3 * draw.gaussian()));
      const truth = harm.reduce((a, b) => a + b, 0);
      const { indices, weights } = drawSamples(importance, 64);
      const weighted = indices.reduce((sum, index, i) => sum + (weights[i] as number) * (harm[index] as number), 0);
      ours += Math.log(weighted / truth) ** 2;
      plain += Math.log((4 * harm.slice(0, 64).reduce((a, b) => a + b, 0)) / truth) ** 2;
    }
    expect(ours).toBeLessThan(plain / 9);
  });
});
