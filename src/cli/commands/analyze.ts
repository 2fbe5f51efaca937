import { type Command, Option } from "commander";
import { allBits } from "../../core/hardware/bitPairs.ts";
import type { Bits } from "../../core/hardware/profile.ts";
import { analyzeWeights, fewerSamples, measureLayers, unmeasurable } from "../../core/pipeline/analysis.ts";
import { CandidateWeights, roundToNearest } from "../../core/pipeline/candidates.ts";
import { factsLine, factsOf } from "../../core/pipeline/facts.ts";
import { parseBits } from "../../core/pipeline/settings.ts";
import { formatSensitivity } from "../../core/plan/format.ts";
import { metricName } from "../../core/plan/summary.ts";
import type { RecoveryMethod } from "../../core/recovery/methods.ts";
import type { SensitivityTable, WeightStatistics } from "../../core/sensitivity/types.ts";
import { openSamples } from "../../node/openSamples.ts";
import { definiteThreads } from "../../node/threads.ts";
import { newCommand, runCommand } from "../command.ts";
import { printFloatReasons } from "../floatReasons.ts";
import { type ModelOptions, modelOptions, openPrepared } from "../openModel.ts";
import { exitCodes, print, printJson, printNotes } from "../output.ts";
import { inQueue, measuredInQueue, queueOption } from "../queueOption.ts";
import { samplesOptions } from "../runOptions.ts";
import { renderTable, terminalWidth, wrap } from "../table.ts";
import { optionGroups, readBy } from "../usage.ts";

interface AnalyzeOptions extends ModelOptions {
  readonly calibration?: string;
  readonly bits: readonly Bits[];
  readonly samples: number;
  readonly batch: number;
  readonly threads?: number;
  readonly queue?: string;
  /** False with --no-run. */
  readonly run: boolean;
}

export function analyzeCommand(signal: AbortSignal): Command {
  const command = newCommand("analyze", "Measures how sensitive each layer is to fewer bits.");
  return samplesOptions(modelOptions(command).optionsGroup(optionGroups.samples))
    .optionsGroup(optionGroups.method)
    .addOption(
      new Option("--bits <list>", "bitwidths to look at")
        .argParser(readBy("--bits", parseBits))
        .default(allBits, allBits.join(",")),
    )
    .addOption(queueOption(measuredInQueue))
    .option("--no-run", "from the weights alone: sigma, KL divergence, SQNR; runs nothing")
    .addHelpText(
      "after",
      `
Examples:
  $ sigmaquant analyze model.onnx --calibration calib.npz --bits 2,4,8
  $ sigmaquant analyze model.onnx --no-run`,
    )
    .action((path: string, options: AnalyzeOptions) =>
      runCommand(options, signal, async (context) => {
        const { prepared, inputs, fixed, inference, compute, file, close } = await openPrepared(path, options, context);
        try {
          const weights = new CandidateWeights(prepared, roundToNearest, context.signal);
          const statistics = await analyzeWeights(
            prepared,
            weights,
            options.bits,
            context.onProgress,
            context.signal,
            undefined,
            compute,
          );
          let table: SensitivityTable | undefined;
          const notes = [...prepared.notes];
          const hindrance = options.run ? unmeasurable(prepared) : undefined;
          if (hindrance !== undefined) notes.push(`Sensitivities are from the weights alone: ${hindrance}`);
          if (options.run && hindrance === undefined) {
            const dataset = await openSamples(options.calibration, inputs, prepared.shapes, fixed, context.signal);
            notes.push(...dataset.notes);
            try {
              const { samples, batch, queue } = options;
              const threads = definiteThreads(options.threads);
              const measuring = { methods: new Set<RecoveryMethod>(), calibration: dataset, batch, threads };
              const elsewhere = inQueue(queue, file, options, measuring, context);
              const settings = { inference, samples, batch, threads, bits: () => options.bits, ...elsewhere };
              ({ table } = await measureLayers(
                prepared,
                weights,
                dataset,
                settings,
                context.onProgress,
                context.signal,
              ));
              notes.push(...fewerSamples(table, samples, dataset));
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
          print(wrap(`${path}: ${factsLine(factsOf(prepared))}`, terminalWidth(), "  "));
          const on = table ? `; ${table.samples} ${table.synthetic ? "made-up samples (~)" : "samples"}` : "";
          const what = table
            ? metricName(table.metric)
            : "of the weights alone: KL divergence from the float weights, nats";
          print(wrap(`Sensitivity, ${what}${on}`, terminalWidth(), "  "));
          print();
          print(sensitivityRows(layers, options.bits, table?.synthetic ?? false));
          printFloatReasons(layers);
          if (notes.length > 0) print();
          printNotes(notes);
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
    [
      { head: "#", align: "right" },
      { head: "Layer", shrink: "cut" },
      { head: "Op", drop: 3 },
      { head: "σ", align: "right", drop: 1 },
      ...bits.map((b) => ({ head: `${b} bits`, align: "right" as const })),
    ],
    layers.map((row, i) => [
      String(i + 1),
      row.name,
      row.opType,
      row.statistics ? row.statistics.sigma.toFixed(4) : "–",
      ...bits.map((b) => (row.floatReason === undefined ? cell(row, b) : "–")),
    ]),
  );
}
