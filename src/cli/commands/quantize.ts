import { stat } from "node:fs/promises";
import path from "node:path";
import type { Command } from "commander";
import { SigmaQuantError } from "../../core/errors.ts";
import { checkFile } from "../../core/pipeline/checkFile.ts";
import { headlineAccuracy } from "../../core/pipeline/evaluate.ts";
import { planOf } from "../../core/pipeline/planOf.ts";
import { quantizedModel } from "../../core/pipeline/quantizedModel.ts";
import { csvReport } from "../../core/plan/csv.ts";
import { formatBytes } from "../../core/plan/format.ts";
import { serializePlan } from "../../core/plan/planFile.ts";
import { markdownReport } from "../../core/plan/report.ts";
import type { Plan } from "../../core/plan/types.ts";
import { overruns } from "../../core/plan/verdict.ts";
import { writeTextAtomic } from "../../node/files.ts";
import { writeModelFile } from "../../node/writeModelFile.ts";
import { newCommand, runCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { profileSlug, type Run, withDecision } from "../decide.ts";
import { evaluationTable } from "../evaluation.ts";
import { exitCodes, print, printJson } from "../output.ts";
import { planJson, printPlan, printVerdict } from "../planOutput.ts";
import { type RunOptions, runOptions } from "../runOptions.ts";
import { defaultPlanPath } from "./allocate.ts";
import { saturationNote } from "./evaluate.ts";

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

async function quantize(
  modelPath: string,
  options: QuantizeOptions,
  context: CommandContext,
  run: Run,
): Promise<number> {
  const { decided, model, evaluation, calibration, weights } = run;
  const { signal, onProgress } = context;
  const output = outputPath(modelPath, options.output, profileSlug(run.profile));
  const base = output.replace(/\.onnx$/i, "");
  const files = { plan: defaultPlanPath(modelPath), report: `${base}.report.md`, csv: `${base}.report.csv` };
  const floatBytes = (await stat(modelPath)).size;
  const notes = [...run.notes];
  let plan: Plan = decided.plan;
  let written: Written | undefined;
  if (overruns(plan.budgets).length === 0) {
    const graph = await quantizedModel(
      model.prepared,
      weights,
      decided.proposal.bits,
      decided.activations,
      onProgress,
      signal,
    );
    notes.push(...graph.notes);
    const file = await writeModelFile(graph.model, output, signal);
    const { evaluation: result, saturates } = await checkFile(
      { float: modelPath, quantized: output },
      model.inference,
      evaluation ?? calibration,
      model.prepared.outputKind,
      { batch: options.batch, ...(options.threads !== undefined && { threads: options.threads }) },
      onProgress,
      signal,
    );
    if (saturates) notes.push(saturationNote);
    plan = planOf({ ...decided.planInput, accuracy: headlineAccuracy(result, "measured") });
    written = { graph, file, result };
  }
  await writeTextAtomic(files.plan, serializePlan(plan), signal);
  const report = {
    plan,
    baselines: decided.baselines,
    stored: written?.graph.stored ?? [],
    ...(written && { evaluation: written.result }),
    files: {
      float: modelPath,
      floatBytes,
      ...(written && { quantized: path.basename(output), quantizedBytes: written.file.bytes }),
    },
    notes,
  };
  await writeTextAtomic(files.report, markdownReport(report), signal);
  await writeTextAtomic(files.csv, csvReport(plan), signal);
  context.clear();
  if (context.json) {
    printJson(
      planJson(plan, {
        baselines: decided.baselines,
        notes,
        files: { ...(written && { model: output }), ...(written?.file.data && { data: written.file.data }), ...files },
        ...(written && { evaluation: written.result }),
      }),
    );
  } else {
    printPlan(plan, decided.baselines, notes);
    if (written) {
      print(`\nThe written file, run by ONNX Runtime on ${written.result.samples} samples:\n`);
      print(evaluationTable(written.result));
      print(`\nModel:  ${output} (${formatBytes(floatBytes)} → ${formatBytes(written.file.bytes)})`);
    } else print("\nNo model was written.");
    print(`Plan:   ${files.plan}`);
    print(`Report: ${files.report}, ${files.csv}`);
    printVerdict(plan);
  }
  return plan.verdict.verdict === "feasible" ? exitCodes.done : exitCodes.infeasible;
}

interface Written {
  readonly graph: Awaited<ReturnType<typeof quantizedModel>>;
  readonly file: Awaited<ReturnType<typeof writeModelFile>>;
  readonly result: Awaited<ReturnType<typeof checkFile>>["evaluation"];
}

/** @throws SQ1026 when the output would replace the model itself */
function outputPath(model: string, wanted: string | undefined, slug: string): string {
  const { dir, name } = path.parse(model);
  const output = wanted ?? path.join(dir, `${name}.${slug}.onnx`);
  if (path.resolve(output) === path.resolve(model)) {
    throw new SigmaQuantError("SQ1026", "output-is-input", "The output would replace the model itself", {
      remedy: "Give another file with --output",
      place: { file: output },
    });
  }
  return output;
}
