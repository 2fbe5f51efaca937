#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { allocateCommand } from "./commands/allocate.ts";
import { analyzeCommand } from "./commands/analyze.ts";
import { compareCommand } from "./commands/compare.ts";
import { evaluateCommand } from "./commands/evaluate.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { profilesCommand } from "./commands/profiles.ts";
import { quantizeCommand } from "./commands/quantize.ts";
import { validateCommand } from "./commands/validate.ts";
import { exitCodes, printError } from "./output.ts";

/** Two Ctrl-C in a row end the program at once, in case a run of the network takes long. */
const controller = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort(new Error("interrupted"));
  });
}
// A reader that ends early (`| head`) is no error of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(exitCodes.done);
  throw error;
});

const program = new Command("sigmaquant")
  .description(
    "Fits an ONNX model to an edge device: a bitwidth for each layer, with proof that it fits and of what it costs.",
  )
  .version(packageJson.version)
  .showHelpAfterError("(run with --help for the options and examples)")
  .exitOverride();
for (const make of [
  inspectCommand,
  analyzeCommand,
  allocateCommand,
  quantizeCommand,
  evaluateCommand,
  compareCommand,
  profilesCommand,
  validateCommand,
]) {
  program.addCommand(make(controller.signal).exitOverride());
}
program.addHelpText(
  "after",
  `
Exit codes: 0 done and feasible, 1 infeasible, 2 bad input, 130 interrupted.

Examples:
  $ sigmaquant inspect model.onnx
  $ sigmaquant quantize model.onnx --profile board.hwprofile.json --calibration calib.npz --evaluation test.npz
  $ sigmaquant quantize model.onnx --profile generic --weight-memory 32KiB --calibration calib.npz --json`,
);

async function main(): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      // It has printed its own message; --help and --version come here too.
      process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.badInput;
    } else {
      // An option's value that could not be read.
      printError(error, { json: process.argv.includes("--json"), verbose: process.argv.includes("--verbose") });
      process.exitCode = exitCodes.badInput;
    }
  }
}

void main();
