import { trimmed } from "../format/numbers.ts";

/** Round values from 0 or `min` to `max` in steps of 1, 2 or 5 times a power of ten. @param about how many would be good */
export function niceTicks(min: number, max: number, about: number): readonly number[] {
  const span = max - min;
  if (!(span > 0)) return [min];
  const rough = span / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((n) => n * power >= rough) ?? 10) * power;
  const ticks: number[] = [];
  for (let n = Math.ceil(min / step - 1e-9); n * step <= max * (1 + 1e-9); n++)
    ticks.push(Number((n * step).toPrecision(12)));
  return ticks;
}

/** Powers of ten from `min` to `max`. */
export function decades(min: number, max: number): readonly number[] {
  const ticks: number[] = [];
  for (let e = Math.ceil(Math.log10(min) - 1e-9); e <= Math.log10(max) + 1e-9; e++) ticks.push(10 ** e);
  return ticks;
}

/** `0.0001`, `10`, `2.5`: no zeros that say nothing, a true minus. */
export function tickText(value: number): string {
  if (value === 0) return "0";
  const small = Math.abs(value) < 0.9e-4;
  return small ? value.toExponential(0).replaceAll("-", "−") : trimmed(value, 6);
}

/** Every how many of `n` labels there is room for one, in round steps: 1, 2, 5, 10, 20 ... */
export function labelStep(n: number, room: number, labelWidth: number): number {
  const least = (n * labelWidth) / Math.max(1, room);
  if (least <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5, 10].find((s) => s * power >= least) ?? 10) * power;
}
