import type { Command } from "commander";
import { allBits } from "../../core/hardware/bitPairs.ts";
import type { Bits } from "../../core/hardware/profile.ts";
import { analyzeWeights, measureLayers, unmeasurable } from "../../core/pipeline/analysis.ts";
import { CandidateWeights, roundToNearest } from "../../core/pipeline/candidates.ts";
import { factsLine, factsOf } from "../../core/pipeline/facts.ts";
import { defaultBatch, defaultSensitivitySamples, parseBits } from "../../core/pipeline/settings.ts";
import { formatSensitivity } from "../../core/plan/format.ts";
import { metricName } from "../../core/plan/summary.ts";
import type { SensitivityTable, WeightStatistics } from "../../core/sensitivity/types.ts";
import { openSamples } from "../../node/openSamples.ts";
import { newCommand, runCommand } from "../command.ts";
import { parseCount } from "../context.ts";
import { type ModelOptions, modelOptions, openPrepared } from "../openModel.ts";
import { exitCodes, print, printJson, renderTable } from "../output.ts";

interface AnalyzeOptions extends ModelOptions {
  readonly calibration?: string;
  readonly bits: readonly Bits[];
  readonly samples: number;
  readonly batch: number;
  readonly threads?: number;
  /** False with --no-run. */
  readonly run: boolean;
}

export function analyzeCommand(signal: AbortSignal): Command {
  const command = newCommand("analyze", "Measures how sensitive each layer is to fewer bits.");
  return modelOptions(command)
    .option("--calibration <set>", "samples (.npz, .npy or an ONNX test-data folder); synthetic ones without it")
    .option("--bits <list>", "bitwidths to look at", parseBits, allBits)
    .option("--samples <n>", "samples to measure on", parseCount, defaultSensitivitySamples)
    .option("--batch <n>", "samples in one run", parseCount, defaultBatch)
    .option("--threads <n>", "threads of ONNX Runtime", parseCount)
    .option("--no-run", "from the weights alone: sigma, KL divergence, SQNR; runs nothing")
    .addHelpText("after", "\nExample:\n  $ sigmaquant analyze model.onnx --calibration calib.npz --bits 2,4,8")
    .action((path: string, options: AnalyzeOptions) =>
      runCommand(options, signal, async (context) => {
        const { prepared, inputs, inference, close } = await openPrepared(path, options, context);
        try {
          const weights = new CandidateWeights(prepared, roundToNearest, context.signal);
          const statistics = await analyzeWeights(prepared, weights, options.bits, context.onProgress, context.signal);
          let table: SensitivityTable | undefined;
          const notes = [...prepared.notes];
          const hindrance = options.run ? unmeasurable(prepared) : undefined;
          if (hindrance !== undefined) notes.push(`Sensitivities are from the weights alone: ${hindrance}`);
          if (options.run && hindrance === undefined) {
            const dataset = await openSamples(options.calibration, inputs, prepared.shapes, context.signal);
            notes.push(...dataset.notes);
            try {
              const { samples, batch, threads } = options;
              const settings = { inference, samples, batch, bits: () => options.bits, ...(threads && { threads }) };
              ({ table } = await measureLayers(
                prepared,
                weights,
                dataset,
                settings,
                context.onProgress,
                context.signal,
              ));
            } finally {
              await dataset.close();
            }
          }
          context.clear();
          const layers = prepared.discovery.layers.map((layer) => ({
            ...layer,
            statistics: statistics.get(layer.name),
            sensitivity: table?.byLayer[layer.name],
          }));
          if (context.json) {
            printJson({
              model: path,
              ...factsOf(prepared),
              metric: table?.metric ?? "weights",
              samples: table?.samples ?? 0,
              synthetic: table?.synthetic ?? false,
              notes,
              layers,
            });
            return exitCodes.done;
          }
          print(`${path}: ${factsLine(factsOf(prepared))}`);
          const mark = table?.synthetic ? " (~ synthetic samples: they rank layers but do not predict accuracy)" : "";
          const on = table ? ` on ${table.samples} samples` : "";
          print(`Sensitivity, ${metricName(table?.metric ?? "weights")}${on}${mark}\n`);
          print(sensitivityRows(layers, options.bits, table?.synthetic ?? false));
          for (const note of notes) print(`\nNote: ${note}`);
          return exitCodes.done;
        } finally {
          await close();
        }
      }),
    );
}

interface Row {
  readonly name: string;
  readonly opType: string;
  readonly floatReason?: string;
  readonly statistics: WeightStatistics | undefined;
  readonly sensitivity: Readonly<Partial<Record<Bits, number>>> | undefined;
}

function sensitivityRows(layers: readonly Row[], bits: readonly Bits[], synthetic: boolean): string {
  const cell = (row: Row, b: Bits): string => {
    const measured = row.sensitivity?.[b];
    if (measured !== undefined) return `${synthetic ? "~" : ""}${formatSensitivity(measured)}`;
    const estimate = row.statistics?.errors.find((e) => e.bits === b);
    return estimate ? formatSensitivity(estimate.kl) : "–";
  };
  return renderTable(
    ["#", "Layer", "Op", "σ", ...bits.map((b) => `${b} bits`), ""],
    layers.map((row, i) => [
      String(i + 1),
      row.name,
      row.opType,
      row.statistics ? row.statistics.sigma.toFixed(4) : "–",
      ...bits.map((b) => (row.floatReason === undefined ? cell(row, b) : "–")),
      row.floatReason === undefined ? "" : `float: ${row.floatReason}`,
    ]),
    `rllr${"r".repeat(bits.length)}l`,
  );
}
