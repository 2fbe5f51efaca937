import type { Plan, PlanLayer } from "./types.ts";

/** Mean weight bits over the weights of the quantized layers; 0 without any. */
export function averageBits(layers: readonly PlanLayer[]): number {
  let bits = 0;
  let params = 0;
  for (const layer of layers) {
    if (layer.weightBits === null) continue;
    bits += layer.weightBits * layer.params;
    params += layer.params;
  }
  return params > 0 ? bits / params : 0;
}

/** The metric in words, for whoever reads a table of sensitivities. */
export function metricName(metric: Plan["sensitivityMetric"]): string {
  switch (metric) {
    case "kl":
      return "measured: KL divergence of the network's output, nats";
    case "nmse":
      return "measured: error over signal energy of the network's outputs";
    case "loss":
      return "measured: increase of the task loss, nats";
    case "weights":
      return "estimated from the weights alone: normalized KL divergence";
  }
}
