/**
 * How hot a sensitivity is shown, 0 to 100: 100 * clamp((log10 s + 5) / 5)^1.5, from nothing at 0.00001 to all at 1. The scale is the
 * same for all layers of all models, so that cells can be compared; models that lose little from two bits on still show where.
 */
export function heatPercent(sensitivity: number): number {
  if (!(sensitivity > 0)) return 0;
  const position = (Math.log10(sensitivity) + 5) / 5;
  return Math.round(100 * Math.min(1, Math.max(0, position)) ** 1.5);
}
