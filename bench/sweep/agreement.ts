import type { Table } from "./subject.ts";

/** Harms below this are none: what float32 leaves. */
const floor = 1e-9;

/** Spearman's rank correlation of two tables over all their cells; equal values share their mean rank. */
export function spearman(a: Table, b: Table): number {
  const [x, y] = cells(a, b);
  return rankCorrelation(x, y);
}

export function rankCorrelation(x: readonly number[], y: readonly number[]): number {
  return correlation(ranks(x), ranks(y));
}

/** Root mean square of the relative error, on a log scale: 0.1 is about 10 %. */
export function logError(a: Table, b: Table): number {
  const [x, y] = cells(a, b);
  const errors = x.map((value, i) => Math.log(Math.max(value, floor) / Math.max(y[i] as number, floor)));
  return Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / errors.length);
}

function cells(a: Table, b: Table): readonly [number[], number[]] {
  const x: number[] = [];
  const y: number[] = [];
  for (const [layer, row] of b) {
    for (const [bits, value] of row) {
      x.push(a.get(layer)?.get(bits) ?? Number.NaN);
      y.push(value);
    }
  }
  return [x, y];
}

function ranks(values: readonly number[]): readonly number[] {
  const order = [...values.keys()].sort((i, j) => (values[i] as number) - (values[j] as number));
  const result = new Array<number>(values.length).fill(0);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to] as number] === values[order[from] as number]) to++;
    for (let k = from; k < to; k++) result[order[k] as number] = (from + to - 1) / 2;
    from = to;
  }
  return result;
}

function correlation(x: readonly number[], y: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const [mx, my] = [mean(x), mean(y)];
  let [xy, xx, yy] = [0, 0, 0];
  for (const [i, value] of x.entries()) {
    const [dx, dy] = [value - mx, (y[i] as number) - my];
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  return xy / Math.sqrt(xx * yy);
}
