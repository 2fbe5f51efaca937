import { discoverLayers, type LayerSite, quantizableSites } from "../../../src/core/model/discover.ts";
import type { OnnxModel } from "../../../src/core/onnx/model.ts";
import { blockTask, factorBlock, type HessianBlock } from "../../../src/core/recovery/hessianBlock.ts";
import type { Moments } from "../../../src/core/recovery/moments.ts";
import type { RowLayout } from "../../../src/core/recovery/rowLayout.ts";

/** E[x x^T] of [n, count] values, [n, n]. */
export function gramOf(x: ArrayLike<number>, n: number, count: number): Float64Array {
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      for (let p = 0; p < count; p++) {
        a[i * n + j] = (a[i * n + j] as number) + ((x[i * count + p] as number) * (x[j * count + p] as number)) / count;
      }
    }
  }
  return a;
}

/** Moments of inputs [n, count] that all rows of a dense layer read. */
export function momentsOf(x: ArrayLike<number>, n: number, count: number, rows: number): Moments {
  const mean = Float64Array.from({ length: n }, (_, i) => {
    let sum = 0;
    for (let p = 0; p < count; p++) sum += (x[i * count + p] as number) / count;
    return sum;
  });
  return { layout: denseLayout(rows, n), count, mean, block: n, blocks: 1, second: gramOf(x, n, count) };
}

/** A weight [rows, columns]. */
export function denseLayout(rows: number, columns: number): RowLayout {
  return {
    rows,
    columns,
    groups: 1,
    rowOffset: Int32Array.from({ length: rows }, (_, r) => r * columns),
    columnOffset: Int32Array.from({ length: columns }, (_, k) => k),
    scales: rows,
  };
}

export function blockOf(x: ArrayLike<number>, n: number, count: number): HessianBlock {
  return factorBlock(blockTask(momentsOf(x, n, count, 1), 0, 0, false));
}

/** (w - s q)^T H (w - s q) with everything in the block's order. */
export function quadraticError(
  { size, h }: HessianBlock,
  w: ArrayLike<number>,
  scale: number,
  q: ArrayLike<number>,
): number {
  let sum = 0;
  const d = Array.from({ length: size }, (_, k) => (w[k] as number) - scale * (q[k] as number));
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) sum += (d[i] as number) * (h[i * size + j] as number) * (d[j] as number);
  }
  return sum;
}

/** Inputs of neighbouring columns that are nearly the same, as those of images are: [n, count]. */
export function correlated(values: Float32Array, n: number, count: number): Float32Array {
  const out = Float32Array.from(values);
  for (let i = 1; i < n; i++) {
    for (let p = 0; p < count; p++) {
      out[i * count + p] = 0.9 * (out[(i - 1) * count + p] as number) + 0.4 * (values[i * count + p] as number);
    }
  }
  return out;
}

export async function firstSite(model: OnnxModel): Promise<LayerSite> {
  return quantizableSites(await discoverLayers(model))[0] as LayerSite;
}
