/**
 * How hot a sensitivity is shown, 0 to 100: 100 * clamp((log10 s + 4.4) / 4.2)^2.2 (DESIGN-NOTES 3). The scale is the same for all
 * layers of all models, so that cells can be compared.
 */
export function heatPercent(sensitivity: number): number {
  if (!(sensitivity > 0)) return 0;
  const position = (Math.log10(sensitivity) + 4.4) / 4.2;
  return Math.round(100 * Math.min(1, Math.max(0, position)) ** 2.2);
}
