import type { Command } from "commander";
import { SigmaQuantError } from "../../core/errors.ts";
import { grouped } from "../../core/plan/format.ts";
import { writeTextAtomic } from "../../node/files.ts";
import { newCommand, runCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { fitting, matrixCsvText, matrixJson, printMatrix } from "../matrixOutput.ts";
import { aboutModel, compareModel, devicesOf, type MatrixOptions, type ModelCells } from "../matrixRun.ts";
import { readingOptions } from "../openModel.ts";
import { exitCodes, print, printJson, printNotes } from "../output.ts";
import { checkOutputs } from "../outputs.ts";
import { decisionOptions } from "../runOptions.ts";
import { optionGroups } from "../usage.ts";

export function matrixCommand(signal: AbortSignal): Command {
  const command = newCommand(
    "matrix",
    "Lays models on several devices side by side: verdict, bits, memory, latency, energy, accuracy.",
  );
  readingOptions(command.argument("<models...>", ".onnx files"))
    .optionsGroup(optionGroups.device)
    .requiredOption(
      "--profile <file|preset>",
      "hardware profile (*.hwprofile.json) or a preset's name; once for each device",
      (name: string, previous: readonly string[] = []) => [...previous, name],
    );
  return decisionOptions(command)
    .option("--quick", "the solver decides; no plan is run, accuracy is expected of the sensitivities")
    .optionsGroup(optionGroups.output)
    .option("--csv <file>", "the comparison for a spreadsheet")
    .addHelpText(
      "after",
      `
Sensitivities are measured once for all devices. A device gets the plan that
\`allocate\` makes for it; the plan is not written.

Examples:
  $ sigmaquant matrix model.onnx --profile board.hwprofile.json \\
      --profile max78000 --calibration calib.npz --evaluation test.npz
  $ sigmaquant matrix small.onnx large.onnx --profile board.hwprofile.json \\
      --calibration calib.npz --quick --csv models.csv`,
    )
    .action((models: string[], options: MatrixOptions) =>
      runCommand(options, signal, (context) => matrix([...new Set(models)], options, context)),
    );
}

async function matrix(models: readonly string[], options: MatrixOptions, context: CommandContext): Promise<number> {
  // The command line first: a slip in it should not cost minutes.
  const { devices, notes: profileNotes } = await devicesOf(options, context);
  if (options.csv !== undefined) {
    const { calibration, evaluation } = options;
    await checkOutputs([options.csv], [...models, ...options.profile, calibration, evaluation], context.signal);
  }
  const compared: ModelCells[] = [];
  for (const model of models) {
    const own = models.length > 1 ? { ...context, onProgress: aboutModel(model, context.onProgress) } : context;
    compared.push(await compareModel(model, devices, options, own));
  }
  const notes = [...profileNotes, ...modelNotes(compared)];
  if (options.csv !== undefined) await writeTextAtomic(options.csv, matrixCsvText(compared), context.signal);
  context.clear();
  if (context.json) printJson(matrixJson(compared, notes));
  else {
    printMatrix(compared);
    if (notes.length > 0) print();
    printNotes(notes);
    if (options.csv !== undefined) print(`\nTable: ${options.csv}`);
    print(`\n${fitting(compared)}${runOn(compared)}`);
  }
  return exitCodeOf(compared);
}

/** Notes of each model; with its name where they are not the same for all. */
function modelNotes(compared: readonly ModelCells[]): readonly string[] {
  const about = new Map<string, string[]>();
  for (const { model, notes } of compared) {
    for (const note of new Set(notes)) about.set(note, [...(about.get(note) ?? []), model]);
  }
  return [...about].map(([note, models]) =>
    models.length === compared.length ? note : `${models.join(", ")}: ${note}`,
  );
}

/** ` (simulated on 2,000 samples)`. */
function runOn(compared: readonly ModelCells[]): string {
  const accuracies = compared.flatMap(({ cells }) => cells.flatMap(({ figures }) => figures?.accuracy ?? []));
  const [first] = accuracies;
  if (first === undefined || accuracies.some(({ samples }) => samples !== first.samples)) return "";
  const from = first.how === "expected" ? "expected from runs" : first.how;
  return ` (${from} on ${grouped(first.samples)} ${first.synthetic ? "made-up samples" : "samples"})`;
}

function exitCodeOf(compared: readonly ModelCells[]): number {
  const cells = compared.flatMap((each) => each.cells);
  if (cells.some(({ problem }) => problem instanceof SigmaQuantError)) return exitCodes.badInput;
  return cells.every(({ figures }) => figures?.verdict.verdict === "feasible") ? exitCodes.done : exitCodes.infeasible;
}
