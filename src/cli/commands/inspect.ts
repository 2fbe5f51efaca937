import type { Command } from "commander";
import type { Layer } from "../../core/model/layer.ts";
import { factsLine, factsOf } from "../../core/pipeline/facts.ts";
import { activationMemory } from "../../core/pipeline/prepare.ts";
import { formatBytes, formatCount } from "../../core/plan/format.ts";
import { newCommand, runCommand } from "../command.ts";
import { printFloatReasons } from "../floatReasons.ts";
import { assumedText, type ModelOptions, modelOptions, openPrepared } from "../openModel.ts";
import { exitCodes, print, printJson, printNotes } from "../output.ts";
import { renderTable, terminalWidth, wrap } from "../table.ts";

export function inspectCommand(signal: AbortSignal): Command {
  const command = newCommand(
    "inspect",
    "Lists a model's layers with shapes, MACs and sizes, and why some stay in float.",
  );
  const example = `
Examples:
  $ sigmaquant inspect model.onnx
  $ sigmaquant inspect model.onnx --dim batch=1 --dim height=320 --json`;
  return modelOptions(command)
    .addHelpText("after", example)
    .action((path: string, options: ModelOptions) =>
      runCommand(options, signal, async (context) => {
        const { prepared, close } = await openPrepared(path, options, context, { keepBatchNorm: true });
        await close();
        const facts = factsOf(prepared);
        const { layers } = prepared.discovery;
        const peak = activationMemory(prepared, null);
        context.clear();
        if (context.json) {
          printJson({
            model: path,
            ...facts,
            assumed: prepared.assumed,
            outputKind: prepared.outputKind,
            activationMemoryFloat: peak.unknown.length === 0 ? peak.peak : undefined,
            notes: prepared.notes,
            layers,
          });
          return exitCodes.done;
        }
        print(wrap(`${path}: ${factsLine(facts)}`, terminalWidth(), "  "));
        if (prepared.assumed.length > 0) {
          print(`Assumed: ${assumedText(prepared.assumed)} (change with --dim)`);
        }
        printNotes(prepared.notes);
        print();
        print(layerTable(layers));
        printFloatReasons(layers);
        if (peak.unknown.length === 0) print(`\nPeak activation memory in float: ${formatBytes(peak.peak)}`);
        return exitCodes.done;
      }),
    );
}

function layerTable(layers: readonly Layer[]): string {
  return renderTable(
    [
      { head: "#", align: "right" },
      { head: "Layer", shrink: "cut" },
      { head: "Op" },
      { head: "Weight", drop: 4 },
      { head: "Params", align: "right", drop: 1 },
      { head: "MACs", align: "right", drop: 2 },
      { head: "Bytes", align: "right" },
    ],
    layers.map((layer, i) => [
      String(i + 1),
      layer.name,
      layer.opType,
      layer.weightShape.join("×"),
      formatCount(layer.params),
      layer.macs === undefined ? "–" : formatCount(layer.macs),
      formatBytes(layer.floatBytes),
    ]),
  );
}
