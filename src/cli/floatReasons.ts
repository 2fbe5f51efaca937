import { print } from "./output.ts";
import { terminalWidth, wrap } from "./table.ts";

/** Below a table of layers: which stay in float, by their numbers in it, a line for each reason. */
export function printFloatReasons(layers: readonly { readonly floatReason?: string | undefined }[]): void {
  const byReason = new Map<string, number[]>();
  for (const [i, { floatReason }] of layers.entries()) {
    if (floatReason === undefined) continue;
    byReason.set(floatReason, [...(byReason.get(floatReason) ?? []), i + 1]);
  }
  if (byReason.size === 0) return;
  print();
  for (const [reason, numbers] of byReason) {
    const kept = reason.startsWith("already quantized") ? "Left as they are" : "Kept in float";
    print(wrap(`${kept}: ${ranges(numbers)} (${reason})`, terminalWidth(), "  "));
  }
}

/** `1–3, 7, 9–12`. @param numbers ascending */
function ranges(numbers: readonly number[]): string {
  const parts: [number, number][] = [];
  for (const n of numbers) {
    const last = parts.at(-1);
    if (last?.[1] === n - 1) last[1] = n;
    else parts.push([n, n]);
  }
  return parts.map(([a, b]) => (a === b ? `${a}` : `${a}–${b}`)).join(", ");
}
