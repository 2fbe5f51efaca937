import { describe, expect, it } from "vitest";
import type { Tensor } from "../../../src/core/ports.ts";
import { largestError, OutputComparison } from "../../../src/core/sensitivity/outputs.ts";

function rows(dims: readonly number[], data: readonly number[]): Tensor {
  return { type: "float32", dims, data: Float32Array.from(data) };
}

const float = [
  [2, 0, 1],
  [0, 3, 0],
  [1, 1, 4],
];
const own = [
  [1, 0, 1.5],
  [0.5, 2, 0],
  [2, 1, 2],
];
const labels = [0, 1, 2];

function comparison(samples: readonly number[], weights?: readonly number[]): OutputComparison {
  const result = new OutputComparison();
  const pick = (table: readonly (readonly number[])[]) =>
    rows(
      [samples.length, 3],
      samples.flatMap((i) => table[i] as readonly number[]),
    );
  const classes = samples.map((i) => labels[i] as number);
  result.add("logits", [pick(own)], [pick(float)], classes, weights && Float64Array.from(weights));
  return result;
}

function figures({ kl, nmse, loss, top1, top5, agreement }: OutputComparison) {
  return Object.entries({ kl, nmse, loss, top1, top5, agreement });
}

describe("weights of samples", () => {
  it("count a sample as often as it stands for, in every figure", () => {
    const repeated = figures(comparison([0, 0, 0, 1, 2, 2]));
    for (const [i, [name, value]] of figures(comparison([0, 1, 2], [3, 1, 2])).entries()) {
      expect(value, name).toBeCloseTo(repeated[i]?.[1] as number, 9);
    }
  });

  it("leave out samples of weight 0", () => {
    const left = figures(comparison([1, 2]));
    for (const [i, [name, value]] of figures(comparison([0, 1, 2], [0, 1, 1])).entries()) {
      expect(value, name).toBeCloseTo(left[i]?.[1] as number, 9);
    }
  });

  it("hold for all rows of a sample", () => {
    const weighted = new OutputComparison();
    const plain = new OutputComparison();
    const [p, q] = [float.flat().slice(0, 6), own.flat().slice(0, 6)];
    weighted.add("logits", [rows([1, 2, 3], q)], [rows([1, 2, 3], p)], undefined, Float64Array.of(5));
    plain.add("logits", [rows([1, 2, 3], q)], [rows([1, 2, 3], p)]);
    expect(weighted.kl).toBeCloseTo(plain.kl as number, 12);
    expect(weighted.nmse).toBeCloseTo(plain.nmse, 12);
  });

  it("do not count where an output has no part for each sample", () => {
    const weighted = new OutputComparison();
    const plain = new OutputComparison();
    const [p, q] = [float.flat().slice(0, 4), own.flat().slice(0, 4)];
    weighted.add("values", [rows([4], q)], [rows([4], p)], undefined, Float64Array.of(9, 1, 1));
    plain.add("values", [rows([4], q)], [rows([4], p)]);
    expect(weighted.nmse).toBeCloseTo(plain.nmse, 12);
  });
});

describe("predictions of labelled samples", () => {
  it("are told by how they changed, and not at all without labels", () => {
    const scores = (bests: readonly number[]) =>
      rows(
        [bests.length, 3],
        bests.flatMap((best) => [0, 1, 2].map((c) => (c === best ? 1 : 0))),
      );
    const compared = new OutputComparison();
    compared.add("logits", [scores([1, 0, 2, 0, 1])], [scores([0, 1, 1, 0, 1])], [0, 0, 0, 0, 0]);
    expect(compared.changed).toEqual({ rightToWrong: 1, wrongToRight: 1, wrongBoth: 1, samples: 5 });
    const unlabelled = new OutputComparison();
    unlabelled.add("logits", [scores([1])], [scores([0])]);
    expect(unlabelled.changed).toBeUndefined();
  });
});

describe("the largest error of an output", () => {
  it("is that of any value, whichever way it is off", () => {
    expect(largestError(rows([2, 2], [1, 2, 3, 4]), rows([2, 2], [1, 2.5, 3, 1]))).toBe(3);
    expect(largestError(rows([1], [-2]), rows([1], [1]))).toBe(3);
  });
});

describe("outputs that hold no numbers", () => {
  const probable = rows([2, 3], [2, 0, 1, 0, 3, 0]);

  it("of the quantized network are as wrong as can be", () => {
    const broken = new OutputComparison();
    broken.add("logits", [rows([2, 3], [Number.NaN, 0, 1, 0, 3, 0])], [probable], [0, 1]);
    expect(broken.kl).toBeGreaterThan(5);
    expect(broken.kl).toBeLessThan(25);
    expect([broken.top1, broken.agreement]).toEqual([0.5, 0.5]);
    expect(broken.changed).toEqual({ rightToWrong: 1, wrongToRight: 0, wrongBoth: 0, samples: 2 });
  });

  it("of the float network leave their samples out", () => {
    const partly = new OutputComparison();
    const quantized = rows([2, 3], [1, 0, 1, 0, 3, 0]);
    partly.add("logits", [quantized], [rows([2, 3], [Number.NaN, 0, 1, 0, 3, 0])], [0, 1], Float64Array.of(1, 1));
    const whole = new OutputComparison();
    whole.add("logits", [rows([1, 3], [0, 3, 0])], [rows([1, 3], [0, 3, 0])], [1]);
    expect(figures(partly)).toEqual(figures(whole));
  });
});
