import { Command } from "commander";
import type { CommandContext } from "./context.ts";
import { exitCodes, printError } from "./output.ts";
import { ProgressBar } from "./progress.ts";

interface CommonOptions {
  readonly json?: boolean;
  readonly verbose?: boolean;
  readonly quiet?: boolean;
}

/** A command with the options that all have. */
export function newCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option("--json", "machine-readable result on stdout; progress and errors go to stderr")
    .option("--quiet", "no progress")
    .option("--verbose", "stack traces and what the program decides on its way");
}

/**
 * Runs a command's body: progress bar, one way to report errors, exit code.
 * @param body returns the exit code
 */
export async function runCommand(
  options: CommonOptions,
  signal: AbortSignal,
  body: (context: CommandContext) => Promise<number>,
): Promise<void> {
  const bar = new ProgressBar(options.quiet ?? false);
  const json = options.json ?? false;
  const verbose = options.verbose ?? false;
  try {
    process.exitCode = await body({ json, verbose, signal, onProgress: bar.update, clear: () => bar.stop() });
  } catch (error) {
    bar.stop();
    if (signal.aborted) {
      process.stderr.write("Interrupted; nothing was written.\n");
      process.exitCode = exitCodes.interrupted;
      return;
    }
    printError(error, { json, verbose });
    process.exitCode = exitCodes.badInput;
  } finally {
    bar.stop();
  }
}
