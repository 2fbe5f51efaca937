import path from "node:path";
import { SigmaQuantError } from "../core/errors.ts";
import { TemporaryFile } from "../node/temporaryFile.ts";

/**
 * Refuses, before anything is computed, what could not be written after minutes of work, or would replace what is read.
 * @param outputs files that will be written
 * @param inputs files that are read
 * @throws SQ1026 for an output that is an input or another output, SQ1003, SQ1004 and SQ1008-SQ1013 for one that can't be written
 */
export async function checkOutputs(
  outputs: readonly string[],
  inputs: readonly (string | undefined)[],
  signal: AbortSignal,
): Promise<void> {
  const taken = new Set(inputs.flatMap((file) => (file === undefined ? [] : [path.resolve(file)])));
  for (const file of outputs) {
    const own = path.resolve(file);
    if (taken.has(own)) {
      const message = inputs.some((input) => input !== undefined && path.resolve(input) === own)
        ? "The output would replace a file that is read"
        : "Two outputs would be one file";
      throw new SigmaQuantError("SQ1026", "output-is-input", message, {
        remedy: "Choose another file for --output",
        place: { file },
      });
    }
    taken.add(own);
    const trial = await TemporaryFile.for(file, signal);
    await trial.discard();
  }
}
