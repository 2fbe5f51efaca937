import type { Command } from "commander";
import { serializePlan } from "../../core/plan/planFile.ts";
import { writeTextAtomic } from "../../node/files.ts";
import { defaultPlanPath } from "../../node/quantizeToFiles.ts";
import { newCommand, runCommand } from "../command.ts";
import type { CommandContext } from "../context.ts";
import { type Run, withDecision } from "../decide.ts";
import { exitCodes, print, printJson } from "../output.ts";
import { planJson, printPlan, printVerdict } from "../planOutput.ts";
import { type RunOptions, runOptions } from "../runOptions.ts";
import { optionGroups } from "../usage.ts";

interface AllocateOptions extends RunOptions {
  readonly output?: string;
}

export function allocateCommand(signal: AbortSignal): Command {
  const command = newCommand(
    "allocate",
    "Chooses bits for each layer and writes the plan; the quantized model is not written.",
  );
  return runOptions(command)
    .optionsGroup(optionGroups.output)
    .option("-o, --output <file>", "the plan; <model>.sigmaquant.json without it")
    .addHelpText(
      "after",
      `
Example:
  $ sigmaquant allocate model.onnx --profile max78000 \\
      --calibration calib.npz --weight-memory 64KiB`,
    )
    .action((model: string, options: AllocateOptions) =>
      runCommand(options, signal, (context) => {
        const plan = options.output ?? defaultPlanPath(model);
        return withDecision(model, options, { plan, others: [] }, context, (run) => allocate(plan, context, run));
      }),
    );
}

async function allocate(file: string, context: CommandContext, { decided, notes }: Run): Promise<number> {
  const { plan, baselines } = decided;
  await writeTextAtomic(file, serializePlan(plan), context.signal);
  context.clear();
  if (context.json) printJson(planJson(plan, { baselines, notes, files: { plan: file } }));
  else {
    printPlan(plan, baselines, notes);
    print(`\nPlan: ${file}`);
    printVerdict(plan);
  }
  return plan.verdict.verdict === "feasible" ? exitCodes.done : exitCodes.infeasible;
}
