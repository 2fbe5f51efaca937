/** Names, paths and sentences: longer is no name; the limit keeps a hostile file's names from filling the page. */
export const maxText = 4096;

/** The largest models known have some thousand layers; 100,000 leaves room and stops bombs. */
export const maxLayers = 100_000;

export const bitwidths = [2, 3, 4, 5, 6, 7, 8] as const;

export type Bag = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is Bag {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isText(value: unknown, most = maxText): value is string {
  return typeof value === "string" && value.length <= most;
}

export function isWhole(value: unknown, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most;
}

export function isTextList(value: unknown, most: number): value is string[] {
  return isListOf(value, most, (v) => isText(v));
}

export function isListOf(value: unknown, most: number, check: (item: unknown) => boolean): value is unknown[] {
  return Array.isArray(value) && value.length <= most && value.every(check);
}

/** A number, or none: absent, or null, which is what JSON makes of a figure that is not finite. */
export function isFigure(value: unknown): boolean {
  return value === undefined || value === null || typeof value === "number";
}

/** All of `keys` of `bag` pass `check`. */
export function has(bag: Bag, keys: readonly string[], check: (value: unknown) => boolean): boolean {
  return keys.every((key) => check(bag[key]));
}

export function optional(check: (value: unknown) => boolean): (value: unknown) => boolean {
  return (value) => value === undefined || check(value);
}

export function isBits(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 2 && (value as number) <= 8;
}

/** A weight bitwidth, null for float, or absent. */
export function isBitsOrNone(value: unknown): boolean {
  return value === undefined || value === null || isBits(value);
}

/** An object whose members are figures: sensitivities or bytes by bits, uses by resource. */
export function isFigures(value: unknown): boolean {
  if (!isRecord(value)) return false;
  // A loop without a list: it runs for each of 10,000 layers with each frame of a drag.
  for (const key in value) if (!isFigure(value[key])) return false;
  return true;
}
