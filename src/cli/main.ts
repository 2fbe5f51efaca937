#!/usr/bin/env node
import process from "node:process";
import { Command, CommanderError } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { allocateCommand } from "./commands/allocate.ts";
import { analyzeCommand } from "./commands/analyze.ts";
import { compareCommand } from "./commands/compare.ts";
import { evaluateCommand } from "./commands/evaluate.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { matrixCommand } from "./commands/matrix.ts";
import { profilesCommand } from "./commands/profiles.ts";
import { quantizeCommand } from "./commands/quantize.ts";
import { validateCommand } from "./commands/validate.ts";
import { workerCommand } from "./commands/worker.ts";
import { exitCodes, printError } from "./output.ts";
import { usageError, withCommonOptions } from "./usage.ts";

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

const makers = [
  inspectCommand,
  analyzeCommand,
  allocateCommand,
  quantizeCommand,
  evaluateCommand,
  compareCommand,
  matrixCommand,
  profilesCommand,
  validateCommand,
  workerCommand,
];

const program = new Command("sigmaquant")
  .description(
    "Fits an ONNX model to an edge device: a bitwidth for each layer, with proof that it fits and of what it costs.",
  )
  .version(packageJson.version, "-V, --version", "the version")
  .helpOption("-h, --help", "this help")
  .helpCommand("help [command]", "the help of a command")
  .configureHelp({ subcommandTerm: termOf })
  // What is wrong is said once, by printError.
  .configureOutput({ outputError: () => {} })
  .exitOverride()
  .addHelpText(
    "after",
    `
Each command has --help with examples, and --json for machines.
Exit codes: 0 done and feasible, 1 infeasible, 2 bad input, 130 interrupted.

Examples:
  $ sigmaquant inspect model.onnx
  $ sigmaquant quantize model.onnx --profile board.hwprofile.json \\
      --calibration calib.npz --evaluation test.npz
  $ sigmaquant quantize model.onnx --weight-memory 32KiB --calibration calib.npz`,
  );
for (const make of makers) {
  program.addCommand(withCommonOptions(make(controller.signal).copyInheritedSettings(program)));
}

/** A command in the list of them, without the `[options]` that all have. */
function termOf(command: Command): string {
  const args = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...args].join(" ");
}

async function main(): Promise<void> {
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError && isHelp(error)) {
      // It has printed its text; --help and --version come here, and a command line with nothing on it.
      process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.badInput;
      return;
    }
    const argv = process.argv.slice(2);
    const commands = program.commands.map((command) => command.name());
    const how = { json: argv.includes("--json"), verbose: argv.includes("--verbose") };
    printError(usageError(error, commands, argv), how);
    process.exitCode = exitCodes.badInput;
  }
}

function isHelp({ code }: CommanderError): boolean {
  return ["commander.help", "commander.helpDisplayed", "commander.version"].includes(code);
}

void main();
