import { describe, expect, it } from "vitest";
import type { Bits } from "../../../src/core/hardware/profile.ts";
import type { RecoveryMethod } from "../../../src/core/recovery/methods.ts";
import type { Moments } from "../../../src/core/recovery/moments.ts";
import { roundLayer } from "../../../src/core/recovery/roundLayer.ts";
import { noise } from "../../support/tinyModel.ts";
import { correlated, denseLayout, gramOf, momentsOf } from "./support.ts";

const rows = 6;
const columns = 20;
const count = 300;
/** Not around zero, as what comes out of a ReLU. */
const x = correlated(noise(columns * count, 3), columns, count).map((v) => Math.max(0, v));
const weight = noise(rows * columns, 5);
const bias = noise(rows, 6);
const moments = momentsOf(x, columns, count, rows);

interface Rounded {
  readonly q: Int8Array;
  readonly scales: Float32Array;
  readonly bias?: Float32Array;
}

function round(methods: readonly RecoveryMethod[], bits: Bits = 3, of: Moments = moments): Promise<Rounded> {
  return roundLayer(of, { weight, bias, bits, methods: new Set(methods) });
}

/** Output of row r at patch p. */
function output(w: (r: number, k: number) => number, b: ArrayLike<number>, r: number, p: number): number {
  let sum = b[r] as number;
  for (let k = 0; k < columns; k++) sum += w(r, k) * (x[k * count + p] as number);
  return sum;
}

function errors({ q, scales, bias: corrected = bias }: Rounded) {
  let squares = 0;
  let worstMean = 0;
  for (let r = 0; r < rows; r++) {
    let sum = 0;
    for (let p = 0; p < count; p++) {
      const exact = output((i, k) => weight[i * columns + k] as number, bias, r, p);
      const given = output((i, k) => (q[i * columns + k] as number) * (scales[i] as number), corrected, r, p);
      squares += (given - exact) ** 2 / (rows * count);
      sum += (given - exact) / count;
    }
    worstMean = Math.max(worstMean, Math.abs(sum));
  }
  return { squares, worstMean };
}

describe("a layer's rounding", () => {
  it("keeps every output channel's mean where biases are corrected, and only there", async () => {
    expect(errors(await round(["bias"])).worstMean).toBeLessThan(1e-5);
    expect(errors(await round(["clip", "bias", "gptq", "coordinate"])).worstMean).toBeLessThan(1e-5);
    const plain = await round([]);
    expect(errors(plain).worstMean).toBeGreaterThan(1e-3);
    expect(plain.bias).toEqual(bias);
  });

  it.each([3, 4] as const)("has a smaller output error with each method than without it: %d bits", async (bits) => {
    const squares = async (...methods: RecoveryMethod[]) => errors(await round(methods, bits)).squares;
    const plain = await squares();
    expect(await squares("clip")).toBeLessThan(plain);
    expect(await squares("bias")).toBeLessThan(plain);
    expect(await squares("gptq")).toBeLessThan(plain);
    expect(await squares("coordinate")).toBeLessThan(plain);
    const all = await squares("clip", "bias", "gptq", "coordinate");
    expect(all).toBeLessThanOrEqual(await squares("clip", "bias", "gptq"));
    expect(all).toBeLessThan(plain / 4);
  });

  it("is the same each time", async () => {
    expect(await round(["clip", "bias", "gptq", "coordinate"])).toEqual(
      await round(["clip", "bias", "gptq", "coordinate"]),
    );
  });

  it("aims at what the layer's output lacks already", async () => {
    // The output is to be 10 % larger than the weights make it, and 0.5 higher: d = 0.1 w x + 0.5.
    const second = gramOf(x, columns, count);
    const mean = Float64Array.from({ length: rows }, () => 0.5);
    const cross = new Float64Array(rows * columns);
    for (let r = 0; r < rows; r++) {
      for (let k = 0; k < columns; k++)
        mean[r] = (mean[r] as number) + 0.1 * (weight[r * columns + k] as number) * (moments.mean[k] as number);
      for (let j = 0; j < columns; j++) {
        let sum = 0.5 * (moments.mean[j] as number);
        for (let k = 0; k < columns; k++)
          sum += 0.1 * (weight[r * columns + k] as number) * (second[k * columns + j] as number);
        cross[r * columns + j] = sum;
      }
    }
    const methods = new Set<RecoveryMethod>(["clip", "bias", "gptq", "coordinate"]);
    const made = await roundLayer(moments, { weight, bias, bits: 8, methods, lack: { cross, mean } });
    for (let r = 0; r < rows; r++) {
      for (let p = 0; p < 10; p++) {
        const wanted =
          1.1 * (output((i, k) => weight[i * columns + k] as number, bias, r, p) - (bias[r] as number)) +
          (bias[r] as number) +
          0.5;
        const given = output(
          (i, k) => (made.q[i * columns + k] as number) * (made.scales[i] as number),
          made.bias ?? [],
          r,
          p,
        );
        expect(Math.abs(given - wanted)).toBeLessThan(0.03);
      }
    }
  });

  it("gives all groups of a shared scale that one scale", async () => {
    const shared = { ...moments, layout: { ...denseLayout(rows, columns), scales: 3 } };
    const made = await round(["clip", "gptq"], 4, shared);
    expect(made.scales).toHaveLength(3);
    let squares = 0;
    let energy = 0;
    for (let i = 0; i < weight.length; i++) {
      const scale = made.scales[Math.floor(i / columns) % 3] as number;
      squares += ((made.q[i] as number) * scale - (weight[i] as number)) ** 2;
      energy += (weight[i] as number) ** 2;
    }
    expect(squares / energy).toBeLessThan(0.05);
  });

  it("rounds where the input was never anything but zero", async () => {
    const silent = momentsOf(new Float32Array(columns * count), columns, count, rows);
    const made = await round(["clip", "bias", "gptq", "coordinate"], 4, silent);
    expect(made.bias).toEqual(bias);
    for (const scale of made.scales) expect(scale).toBeGreaterThan(0);
    expect(made.q.some((v) => v !== 0)).toBe(true);
  });

  it("refuses moments that are not finite, instead of damping them for ever", async () => {
    const second = Float64Array.from(moments.second).fill(Number.NaN);
    await expect(round(["gptq"], 3, { ...moments, second })).rejects.toThrow("not finite");
  });

  it("rounds a row whose errors overflow to the nearest, whatever row was before it", async () => {
    const second = Float64Array.from(moments.second, (v) => v * 1e300);
    const large = { ...moments, second };
    const all = await round(["gptq", "coordinate"], 3, large);
    const single = { ...large, layout: denseLayout(1, columns) };
    const last = weight.subarray((rows - 1) * columns);
    const alone = await roundLayer(single, {
      weight: last,
      bits: 3,
      methods: new Set(["gptq", "coordinate"] as const),
    });
    expect(all.q.subarray((rows - 1) * columns)).toEqual(alone.q);
  });

  it("stops within a layer when it is cancelled", async () => {
    const wide = 200;
    const many = momentsOf(noise(wide * 10, 1), wide, 10, 2000);
    const controller = new AbortController();
    const running = roundLayer(
      many,
      { weight: noise(2000 * wide, 2), bits: 2, methods: new Set(["clip", "gptq", "coordinate"] as const) },
      controller.signal,
    );
    setTimeout(() => controller.abort(new Error("enough")), 1);
    await expect(running).rejects.toThrow("enough");
  });
});
