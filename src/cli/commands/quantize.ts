import { existsSync } from "node:fs";
import path from "node:path";
import type { Command } from "commander";
import { formatBytes, grouped } from "../../core/plan/format.ts";
import { storedNote } from "../../core/plan/report.ts";
import { profileSlug } from "../../node/profileSlug.ts";
import { loadProfile } from "../../node/profiles.ts";
import { type OutputFiles, outputFiles, quantizeToFiles } from "../../node/quantizeToFiles.ts";
import { newCommand, runCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { type Run, withDecision } from "../decide.ts";
import { evaluationTable } from "../evaluation.ts";
import { exitCodes, print, printJson } from "../output.ts";
import { planJson, printPlan, printVerdict } from "../planOutput.ts";
import { measuredInQueue, queueOption } from "../queueOption.ts";
import { type RunOptions, runOptions } from "../runOptions.ts";
import { optionGroups } from "../usage.ts";

interface QuantizeOptions extends RunOptions {
  readonly queue?: string;
  readonly output?: string;
}

export function quantizeCommand(signal: AbortSignal): Command {
  const command = newCommand(
    "quantize",
    "Chooses bits for each layer, writes the quantized model, and checks the written file.",
  );
  return runOptions(command)
    .addOption(queueOption(measuredInQueue))
    .optionsGroup(optionGroups.output)
    .option("-o, --output <file>", "the quantized model; <model>.<profile>.onnx without it")
    .addHelpText(
      "after",
      `
Writes the model, its plan (<model>.sigmaquant.json) and a report (.md, .csv).
Where the budgets can't be met no model is written: plan and report then show
the point nearest to them.

Examples:
  $ sigmaquant quantize model.onnx --profile board.hwprofile.json \\
      --calibration calib.npz --evaluation test.npz
  $ sigmaquant quantize model.onnx --weight-memory 32KiB --bits 2,4,8 \\
      --max-drop 1% --calibration calib.npz --json
  $ sigmaquant quantize model.onnx --strategy uniform:4 --weights-only \\
      -o model.int4.onnx`,
    )
    .action((model: string, options: QuantizeOptions) =>
      runCommand(options, signal, async (context) => {
        const profile = await loadProfile(options.profile, context.signal);
        const files = outputFiles(model, options.output, profileSlug(profile.id));
        const { plan, ...others } = files;
        return withDecision(model, options, { plan, others: Object.values(others) }, context, (run) =>
          quantize(model, files, options, context, run),
        );
      }),
    );
}

async function quantize(
  model: string,
  files: OutputFiles,
  options: QuantizeOptions,
  context: CommandContext,
  run: Run,
): Promise<number> {
  const { decided, calibration, evaluation } = run;
  const result = await quantizeToFiles(
    {
      prepared: run.model.prepared,
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
  if (written) {
    const count = new Map<number, number>();
    for (const { storedBits } of result.stored) count.set(storedBits, (count.get(storedBits) ?? 0) + 1);
    const stored = [...count].sort(([a], [b]) => a - b).map(([bits, layers]) => `${bits} bits: ${layers}`);
    context.log(`Layers by the bits they are stored in: ${stored.join(", ")}; ${formatBytes(written.bytes)} in all`);
  }
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
    const stored = storedNote(result.stored);
    printPlan(plan, decided.baselines, [...notes, ...(stored === undefined ? [] : [stored])]);
    if (written && result.evaluation) {
      print(`\nThe written file, run by ONNX Runtime on ${grouped(result.evaluation.samples)} samples:\n`);
      print(evaluationTable(result.evaluation));
      print(`\nModel:  ${written.model} (${formatBytes(result.floatBytes)} → ${formatBytes(written.bytes)})`);
    } else {
      const old = existsSync(files.model) ? ` ${path.basename(files.model)} is from an earlier run.` : "";
      print(`\nNo model was written.${old}`);
    }
    print(`Plan:   ${files.plan}`);
    print(`Report: ${files.report}, ${files.csv}`);
    printVerdict(plan);
  }
  return plan.verdict.verdict === "feasible" ? exitCodes.done : exitCodes.infeasible;
}
