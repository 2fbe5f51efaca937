import type { Command } from "commander";
import { formatBytes } from "../../core/plan/format.ts";
import { profileSlug } from "../../node/profileSlug.ts";
import { outputFiles, quantizeToFiles } from "../../node/quantizeToFiles.ts";
import { newCommand, runCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { type Run, withDecision } from "../decide.ts";
import { evaluationTable } from "../evaluation.ts";
import { exitCodes, print, printJson } from "../output.ts";
import { planJson, printPlan, printVerdict } from "../planOutput.ts";
import { type RunOptions, runOptions } from "../runOptions.ts";

interface QuantizeOptions extends RunOptions {
  readonly output?: string;
}

export function quantizeCommand(signal: AbortSignal): Command {
  const command = newCommand(
    "quantize",
    "Chooses bits for each layer, writes the quantized model, and checks the written file.",
  );
  return runOptions(command)
    .option("-o, --output <file>", "the quantized model; <model>.<profile>.onnx without it")
    .addHelpText(
      "after",
      `
Writes the model, its plan (<model>.sigmaquant.json) and a report (.md, .csv). Where the budgets can't be met no model is
written: plan and report then show the point nearest to them.

Examples:
  $ sigmaquant quantize model.onnx --profile board.hwprofile.json --calibration calib.npz --evaluation test.npz
  $ sigmaquant quantize model.onnx --weight-memory 32KiB --bits 2,4,8 --max-drop 1% --calibration calib.npz --json
  $ sigmaquant quantize model.onnx --strategy uniform:4 --weights-only -o model.int4.onnx`,
    )
    .action((model: string, options: QuantizeOptions) =>
      runCommand(options, signal, (context) =>
        withDecision(model, options, context, (run) => quantize(model, options, context, run)),
      ),
    );
}

async function quantize(model: string, options: QuantizeOptions, context: CommandContext, run: Run): Promise<number> {
  const { decided, calibration, evaluation, weights } = run;
  const files = outputFiles(model, options.output, profileSlug(run.profile.id));
  const result = await quantizeToFiles(
    {
      prepared: run.model.prepared,
      weights,
      decided,
      samples: evaluation ?? calibration,
      inference: run.model.inference,
      model,
      files,
      batch: options.batch,
      ...(options.threads !== undefined && { threads: options.threads }),
      notes: run.notes,
    },
    context.onProgress,
    context.signal,
  );
  const { plan, written, notes } = result;
  context.clear();
  if (context.json) {
    const { model: output, ...others } = files;
    printJson(
      planJson(plan, {
        baselines: decided.baselines,
        notes,
        files: { ...(written && { model: output }), ...(written?.data && { data: written.data }), ...others },
        ...(result.evaluation && { evaluation: result.evaluation }),
      }),
    );
  } else {
    printPlan(plan, decided.baselines, notes);
    if (written && result.evaluation) {
      print(`\nThe written file, run by ONNX Runtime on ${result.evaluation.samples} samples:\n`);
      print(evaluationTable(result.evaluation));
      print(`\nModel:  ${written.model} (${formatBytes(result.floatBytes)} → ${formatBytes(written.bytes)})`);
    } else print("\nNo model was written.");
    print(`Plan:   ${files.plan}`);
    print(`Report: ${files.report}, ${files.csv}`);
    printVerdict(plan);
  }
  return plan.verdict.verdict === "feasible" ? exitCodes.done : exitCodes.infeasible;
}
