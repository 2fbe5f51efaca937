import type { Plan } from "./types.ts";

/** Colours of the sensitivity scale, from little to much: Model Explorer has no theme to take them from. */
const scale = [
  { value: 0, bgColor: "#fff4e5" },
  { value: 0.5, bgColor: "#f4b266" },
  { value: 1, bgColor: "#c4620e" },
] as const;

/**
 * The plan as node data of Google's Model Explorer (github.com/google-ai-edge/model-explorer, "custom node data"): one run with a
 * layer's bits and one with its sensitivity, laid over the graph of the float model.
 */
export function modelExplorerData(plan: Plan): string {
  const bits: Record<string, { value: number | string }> = {};
  const sensitivity: Record<string, { value: number }> = {};
  for (const layer of plan.layers) {
    bits[layer.name] = { value: layer.weightBits ?? "float" };
    const value = layer.weightBits === null ? undefined : layer.sensitivity?.[layer.weightBits];
    if (value !== undefined) sensitivity[layer.name] = { value };
  }
  return `${JSON.stringify({ "Weight bits": { results: bits }, Sensitivity: { results: sensitivity, gradient: scale } }, null, 2)}\n`;
}
