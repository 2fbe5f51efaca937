import { describe, expect, it } from "vitest";
import type { ActivationBits, Bits } from "../../../src/core/hardware/profile.ts";
import { distance, noisy, numbers, run } from "../../support/ortRun.ts";
import { quantizeTiny, type TinyOptions } from "../../support/quantizeTiny.ts";
import { tinyModel } from "../../support/tinyModel.ts";
import { zoo } from "../../support/zoo.ts";

/** IR versions as exporters of the time wrote them. */
const irOf = (opset: number) => (opset < 9 ? 3 : opset < 21 ? 8 : 10);

interface Limits {
  /** Largest difference from the simulation, as a share of the output's range. */
  readonly usual: number;
  /** The same without the runtime's integer kernels. */
  readonly exact: number;
}

/**
 * Rounding falls otherwise for a value in many, where sums are formed in another order or with an integer bias; each costs a
 * step of its tensor. Without quantized activations only MatMul differs, whose input ONNX Runtime quantizes by itself.
 */
const limits = (activationBits: ActivationBits | null, half: boolean): Limits => {
  switch (activationBits) {
    case null:
      return { usual: 0.01, exact: half ? 1e-3 : 1e-5 };
    case 16:
      return { usual: 1e-3, exact: 1e-3 };
    case 8:
      return { usual: 0.03, exact: 0.03 };
    case 4:
      return { usual: 0.3, exact: 0.3 };
  }
};

async function check(
  name: string,
  opset: number,
  combinations: readonly (readonly [Bits, ActivationBits | null])[],
  options: TinyOptions = {},
) {
  const net = zoo[name]?.(opset);
  if (net === undefined) throw new Error(`no ${name} in opset ${opset}`);
  const model = tinyModel({ ...net, opset, ir: irOf(opset), constantsAsInputs: opset < 9 });
  const feeds = Object.fromEntries(Object.entries(net.inputs).map(([input, dims]) => [input, noisy(dims)]));
  const { y: float } = await run(model, feeds);
  const range = Math.max(...numbers(float).map(Math.abs));
  for (const [bits, activationBits] of combinations) {
    const what = `${bits} bits, activations ${activationBits}`;
    const quantization = await quantizeTiny(model, feeds, bits, activationBits, options);
    const { y: simulated } = await quantization.simulate();
    const { usual, exact } = limits(activationBits, name === "half precision");
    const { y } = await run(quantization.written.model, feeds);
    expect(distance(y, simulated) / range, what).toBeLessThan(usual);
    const plain = await run(quantization.written.model, feeds, { exactInt8: true });
    expect(distance(plain.y, simulated) / range, `${what}, exact`).toBeLessThan(exact);
    // What is compared with is itself close to the float network where bits suffice.
    if (bits === 8 && activationBits !== 4) expect(distance(simulated, float) / range, what).toBeLessThan(0.05);
  }
}

const namesIn = (opset: number) => Object.keys(zoo).filter((name) => zoo[name]?.(opset) !== undefined);

describe.each([7, 13, 25])(
  "written in opset %i, a small network loads with default options and computes what it should",
  (opset) => {
    const combinations = ([2, 3, 4, 8] as const).flatMap((bits) =>
      ([null, 8, 16] as const).map((a) => [bits, a] as const),
    );
    it.each(namesIn(opset))("%s", (name) => check(name, opset, combinations));
  },
);

describe.each([9, 11, 17, 21])("in opset %i as well", (opset) => {
  it.each(namesIn(opset))("%s", (name) =>
    check(name, opset, [
      [2, null],
      [4, null],
      [8, 8],
      [2, 8],
    ]),
  );
});

describe.each([13, 25])("with weights packed in bits that have no type, in opset %i", (opset) => {
  const combinations = ([3, 5, 6] as const).flatMap((bits) => ([null, 8] as const).map((a) => [bits, a] as const));
  it.each(namesIn(opset))("%s", (name) => check(name, opset, combinations, { pack: true }));
});

describe.each([13, 25])("with matrices in blocks, the last one shorter, in opset %i", (opset) => {
  const combinations = ([2, 3, 4, 8] as const).flatMap((bits) => ([null, 8] as const).map((a) => [bits, a] as const));
  const matrices = /gemm|matmul|embedding|classifier|shared|double|half/;
  const names = namesIn(opset).filter((name) => matrices.test(name));
  it.each(names)("%s", (name) => check(name, opset, combinations, { blockSize: 5 }));
  it.each(names)("%s, packed", (name) => check(name, opset, [[3, 8]], { blockSize: 4, pack: true }));
});

describe("with activations of 4 bits too", () => {
  it.each(namesIn(13))("%s", (name) =>
    check(name, 13, [
      [8, 4],
      [4, 4],
    ]),
  );
});
