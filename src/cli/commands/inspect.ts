import type { Command } from "commander";
import type { Layer } from "../../core/model/layer.ts";
import { factsLine, factsOf } from "../../core/pipeline/facts.ts";
import { activationMemory } from "../../core/pipeline/prepare.ts";
import { formatBytes, formatCount } from "../../core/plan/format.ts";
import { newCommand, runCommand } from "../command.ts";
import { type ModelOptions, modelOptions, openPrepared } from "../openModel.ts";
import { exitCodes, print, printJson, renderTable } from "../output.ts";

export function inspectCommand(signal: AbortSignal): Command {
  const command = newCommand(
    "inspect",
    "Lists a model's layers with shapes, MACs and sizes, and why some stay in float.",
  );
  return modelOptions(command).action((path: string, options: ModelOptions) =>
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
      print(`${path}: ${factsLine(facts)}`);
      if (prepared.assumed.length > 0) {
        const list = prepared.assumed.map((d) => `${d.name || `${d.input}.${d.axis}`}=${d.value}`);
        print(`Assumed: ${[...new Set(list)].join(", ")} (change with --dim)`);
      }
      for (const note of prepared.notes) print(`Note: ${note}`);
      print();
      print(layerTable(layers));
      if (peak.unknown.length === 0) print(`\nPeak activation memory in float: ${formatBytes(peak.peak)}`);
      return exitCodes.done;
    }),
  );
}

function layerTable(layers: readonly Layer[]): string {
  return renderTable(
    ["#", "Layer", "Op", "Weight", "Params", "MACs", "Bytes", ""],
    layers.map((layer, i) => [
      String(i + 1),
      layer.name,
      layer.opType,
      layer.weightShape.join("×"),
      formatCount(layer.params),
      layer.macs === undefined ? "–" : formatCount(layer.macs),
      formatBytes(layer.floatBytes),
      layer.floatReason === undefined ? "" : `float: ${layer.floatReason}`,
    ]),
    "rlllrrrl",
  );
}
