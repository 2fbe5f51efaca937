import type { Resource } from "../../src/core/hardware/profile.ts";
import { formatAccuracy, formatCount, formatTimeLeft } from "../../src/core/plan/format.ts";
import type { Strategy } from "../../src/core/plan/types.ts";
import type { SensitivityMetric } from "../../src/core/sensitivity/types.ts";
import type { EditorSnapshot, Work } from "../../src/protocol/editor.ts";
import { count } from "../format/numbers.ts";
import { type Figures, isFloat } from "./figures.ts";

/** A budget's name by itself, in sentence case. */
export function resourceTitle(resource: Resource): string {
  const titles: Readonly<Record<Resource, string>> = {
    weightMemory: "Weight memory",
    activationMemory: "Activation memory",
    latency: "Latency",
    energy: "Energy",
    bops: "BOPs",
  };
  return titles[resource];
}

export function strategyName(strategy: Strategy): string {
  if (strategy === "sigmaquant") return "SigmaQuant (two phases)";
  if (strategy === "exact") return "Exact (proven optimum)";
  return `Uniform ${strategy.slice("uniform:".length)} bits`;
}

/** A strategy where there is little room. */
export function strategyShort(strategy: Strategy): string {
  if (strategy === "sigmaquant") return "SigmaQuant";
  return strategy === "exact" ? "exact" : strategyName(strategy).toLowerCase();
}

/** What a sensitivity is, as the title of an axis. */
export function metricTitle(metric: SensitivityMetric | undefined, source: Figures["source"]): string {
  if (source === "weights" || metric === undefined) return "KL of the weights";
  const titles: Readonly<Record<SensitivityMetric, string>> = {
    kl: "KL of the softmax",
    nmse: "Error energy of the outputs",
    loss: "Increase of the cross-entropy",
  };
  return titles[metric];
}

/** Where work was stopped; its stages are what is done (Measuring) or made (Activation ranges). */
export function stoppedText({ stage, done, total }: Pick<Work, "stage" | "done" | "total">): string {
  const name = stage.toLowerCase();
  const place = name.endsWith("ing") ? `while ${name}, at` : `at ${name},`;
  return `Stopped ${place} ${formatCount(done)} of ${formatCount(total)}.`;
}

/** `41 of 110, about 12 s left`; empty when nothing can be counted. */
export function workCount(work: Work): string {
  const parts = [];
  if (work.total > 0) parts.push(`${formatCount(work.done)} of ${formatCount(work.total)}`);
  if (work.secondsLeft !== undefined && work.secondsLeft !== null) parts.push(formatTimeLeft(work.secondsLeft));
  return parts.join(", ");
}

/** `23 layers, 1 pinned, 1 in float`; with a filter `5 of 23 layers`. */
export function countText(f: Figures, shown: number, filtered: boolean): string {
  const all = f.rows.length;
  if (filtered) return `${formatCount(shown)} of ${count(all, "layer")}`;
  const parts = [count(all, "layer")];
  if (f.pinned > 0) parts.push(`${f.pinned} pinned`);
  if (f.float > 0) parts.push(`${f.float} in float`);
  if (f.changed > 0) parts.push(`${f.changed} changed`);
  return parts.join(", ");
}

/** Mean bits of the quantized layers' weights; undefined before there is a plan. */
export function averageBits(f: Figures): number | undefined {
  let [bits, params] = [0, 0];
  for (const row of f.rows) {
    if (!row.weightBits) continue;
    bits += row.weightBits * row.params;
    params += row.params;
  }
  return params > 0 ? bits / params : undefined;
}

/** `88.9 % → 88.5 % top-1, 3.1 bits on average`; the headline has the rest. */
export function verdictFacts(snapshot: EditorSnapshot, f: Figures): string {
  const bits = averageBits(f);
  const parts = [];
  if (snapshot.accuracy && !snapshot.accuracy.synthetic && snapshot.accuracy.metric === "top1") {
    parts.push(formatAccuracy(snapshot.accuracy));
  }
  if (bits !== undefined) parts.push(`${bits.toFixed(1)} bits on average`);
  return parts.join(", ");
}

/** `Kept in float: MatMul runs on the CPU`. */
export function floatText(f: Figures, i: number): string | undefined {
  const row = f.rows[i];
  if (row === undefined || !isFloat(row)) return undefined;
  return row.floatReason === undefined ? "Kept in float" : `Kept in float: ${row.floatReason}`;
}

/** Why Analyze and Quantize can't run now; undefined when they can. */
export function cannotRun(snapshot: EditorSnapshot | undefined): string | undefined {
  if (snapshot?.model === undefined) return "The model is not read yet";
  if (!snapshot.trusted) return "Restricted Mode: trust the workspace to run the model";
  const noRuntime = snapshot.notices.find((n) => n.kind === "noRuntime");
  if (noRuntime) return noRuntime.message;
  if (snapshot.work) return "Another step is under way";
  return undefined;
}
