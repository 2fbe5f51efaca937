import type { Bits } from "../../core/hardware/profile.ts";
import { averageBits } from "../../core/plan/summary.ts";
import type { PlanLayer } from "../../core/plan/types.ts";
import { lossesOf, measuredTable } from "../losses.ts";
import type { SessionState } from "../sessionState.ts";
import type { LanguageSession } from "./host.ts";
import type { ReadModelText } from "./modelTexts.ts";

/** What is known of a layer, for a word beside its node. */
export interface LayerFigures {
  /** Undefined while no device is chosen; null = float. */
  readonly bits?: Bits | null;
  readonly sigma?: number;
  /** Harm of these bits alone. */
  readonly sensitivity?: number;
  readonly metric?: "KL" | "NMSE" | "loss" | "KL est.";
  /** Measured on made-up samples. */
  readonly synthetic: boolean;
  readonly floatReason?: string;
}

/** All that the features look at for a model's text. */
export interface ModelTextContext {
  readonly uri: string;
  readonly modelUri: string;
  readonly text: string;
  /** Undefined while the text is not that of the file as it is: the editor is about to read it again. */
  readonly made?: ReadModelText;
  readonly session?: LanguageSession;
  readonly figures: ReadonlyMap<string, LayerFigures>;
  /** `22 of 23 layers quantized, 3.1 bits on average`; undefined before layers are known. */
  readonly summary?: string;
}

const metricWords = { kl: "KL", nmse: "NMSE", loss: "loss", weights: "KL est." } as const;

/** What a session knows of every layer: bits as the model's table shows them, else as the plan has them. */
export function figuresOf({ state, view }: LanguageSession): ReadonlyMap<string, LayerFigures> {
  const measured = measuredTable(state);
  const losses = lossesOf(state);
  const rows: ReadonlyMap<string, Pick<PlanLayer, "weightBits" | "floatReason">> = view?.rows ?? planRows(state);
  return new Map(
    state.layers.map((layer): [string, LayerFigures] => {
      const row = rows.get(layer.name);
      const sigma = state.statistics.get(layer.name)?.sigma;
      const bits = row?.weightBits ?? undefined;
      const own = bits === undefined ? undefined : measured.byLayer[layer.name]?.[bits];
      const estimated = bits === undefined || own !== undefined ? undefined : losses?.byLayer[layer.name]?.[bits];
      const sensitivity = own ?? estimated;
      const metric = own === undefined ? (losses?.metric ?? "weights") : measured.metric;
      const floatReason = layer.floatReason ?? row?.floatReason;
      return [
        layer.name,
        {
          ...(row && { bits: row.weightBits }),
          ...(sigma !== undefined && { sigma }),
          ...(sensitivity !== undefined && { sensitivity, metric: metricWords[metric] }),
          synthetic: own !== undefined && measured.synthetic,
          ...(floatReason !== undefined && { floatReason }),
        },
      ];
    }),
  );
}

/** `22 of 23 layers quantized, 3.1 bits on average`, with the sign of the verdict. */
export function summaryOf({ state, view }: LanguageSession): string | undefined {
  const { layers } = state;
  if (layers.length === 0) return undefined;
  const rows = [...(view?.rows.values() ?? planRows(state).values())];
  const count = layers.length === 1 ? "layer" : "layers";
  if (rows.length === 0) {
    const possible = layers.filter(({ floatReason }) => floatReason === undefined).length;
    return `${possible} of ${layers.length} ${count} can be quantized`;
  }
  const quantized = rows.filter(({ weightBits }) => weightBits !== null).length;
  const verdict = view?.verdict ?? state.plan?.plan.verdict;
  const sign = verdict === undefined ? "" : verdict.verdict === "feasible" ? "$(pass) " : "$(error) ";
  const average = quantized > 0 ? `, ${averageBits(rows).toFixed(1)} bits on average` : "";
  return `${sign}${quantized} of ${layers.length} ${count} quantized${average}`;
}

function planRows({ plan }: SessionState): ReadonlyMap<string, PlanLayer> {
  return new Map(plan?.plan.layers.map((layer) => [layer.name, layer]));
}
