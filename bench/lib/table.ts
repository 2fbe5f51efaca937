import type { Row } from "./benchmark.ts";

/** A Markdown table. @param right columns of numbers, by index */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const rule = head.map((_, i) => (right.includes(i) ? "---:" : "---"));
  return [line(head), `|${rule.join("|")}|`, ...rows.map(line)].join("\n");
}

/** What `npm run bench` prints. */
export function figuresTable(rows: readonly Row[]): string {
  return markdownTable(
    ["What", "Bar", "Measured", "Met"],
    rows.map(({ what, bar, measured, met }) => [what, bar, measured, met ? "yes" : "**no**"]),
  );
}

/** `7.3 ms`, `310 ms`, `2.4 s`. */
export function millis(value: number): string {
  if (value >= 1000) return `${(value / 1000).toFixed(value < 10_000 ? 2 : 1)} s`;
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

/** `1.4 MB`, in steps of 1000. */
export function megabytes(bytes: number): string {
  const value = bytes / 1e6;
  return `${value.toFixed(value < 10 ? 1 : 0)} MB`;
}

/** Of a fraction. */
export function percent(fraction: number, digits = 0): string {
  return `${(100 * fraction).toFixed(digits)} %`;
}

/** `6.2x`. */
export function times(ratio: number): string {
  return `${ratio.toFixed(ratio < 10 ? 1 : 0)}x`;
}
