import type { Command } from "commander";
import { serializePlan } from "../../core/plan/planFile.ts";
import { writeTextAtomic } from "../../node/files.ts";
import { defaultPlanPath } from "../../node/quantizeToFiles.ts";
import { newCommand, runCommand } from "../command.ts";
import { withDecision } from "../decide.ts";
import { exitCodes, print, printJson } from "../output.ts";
import { planJson, printPlan, printVerdict } from "../planOutput.ts";
import { type RunOptions, runOptions } from "../runOptions.ts";

export function allocateCommand(signal: AbortSignal): Command {
  const command = newCommand(
    "allocate",
    "Chooses bits for each layer and writes the plan; the quantized model is not written.",
  );
  return runOptions(command)
    .option("-o, --output <file>", "the plan; <model>.sigmaquant.json without it")
    .addHelpText(
      "after",
      "\nExample:\n  $ sigmaquant allocate model.onnx --profile max78000 --calibration calib.npz --weight-memory 64KiB",
    )
    .action((model: string, options: RunOptions & { readonly output?: string }) =>
      runCommand(options, signal, (context) =>
        withDecision(model, options, context, async ({ decided, notes }) => {
          const { plan, baselines } = decided;
          const file = options.output ?? defaultPlanPath(model);
          await writeTextAtomic(file, serializePlan(plan), context.signal);
          context.clear();
          if (context.json) printJson(planJson(plan, { baselines, notes, files: { plan: file } }));
          else {
            printPlan(plan, baselines, notes);
            print(`\nPlan: ${file}`);
            printVerdict(plan);
          }
          return plan.verdict.verdict === "feasible" ? exitCodes.done : exitCodes.infeasible;
        }),
      ),
    );
}
