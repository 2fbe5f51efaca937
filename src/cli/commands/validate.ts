import path from "node:path";
import type { Command } from "commander";
import { SigmaQuantError } from "../../core/errors.ts";
import { parseProfile } from "../../core/hardware/parseProfile.ts";
import { readText } from "../../node/files.ts";
import { openModelFile } from "../../node/openModel.ts";
import { readPlan } from "../../node/plans.ts";
import { presetSource } from "../../node/profiles.ts";
import { newCommand, runCommand } from "../command.ts";
import { exitCodes, print, printJson } from "../output.ts";

/** One finding, as a terminal and a problem matcher read it. */
interface Finding {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  readonly severity: "error" | "warning" | "info";
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

export function validateCommand(signal: AbortSignal): Command {
  const command = newCommand(
    "validate",
    "Checks hardware profiles, plans and models; says what is wrong, where, and what to do.",
  );
  return command
    .argument("<files...>", "*.hwprofile.json, *.sigmaquant.json or *.onnx")
    .addHelpText("after", "\nExample:\n  $ sigmaquant validate board.hwprofile.json model.sigmaquant.json")
    .action((files: string[], options) =>
      runCommand(options, signal, async (context) => {
        const findings = (await Promise.all(files.map((file) => check(file, context.signal)))).flat();
        const errors = findings.filter((f) => f.severity === "error").length;
        if (context.json) printJson({ files, findings });
        else {
          for (const f of findings) {
            const at = [f.file, f.line, f.column].filter((part) => part !== undefined).join(":");
            print(`${at}: ${f.severity}: ${f.message}. ${f.remedy} [${f.code}]`);
          }
          if (findings.length === 0)
            print(`${files.length === 1 ? files[0] : `${files.length} files`}: no problem found`);
        }
        return errors > 0 ? exitCodes.badInput : exitCodes.done;
      }),
    );
}

async function check(file: string, signal: AbortSignal): Promise<readonly Finding[]> {
  try {
    if (path.extname(file) === ".onnx") {
      const opened = await openModelFile(file, { signal });
      await opened.close();
      return [];
    }
    if (file.endsWith(".sigmaquant.json")) {
      await readPlan(file);
      return [];
    }
    const { problems } = parseProfile(await readText(file, signal), { file, ...presetSource });
    return problems.map(({ line, column, severity, code, message, remedy }) => ({
      file,
      line,
      column,
      severity,
      code,
      message,
      remedy,
    }));
  } catch (error) {
    if (!(error instanceof SigmaQuantError)) throw error;
    const { code, message, remedy, place } = error;
    return [
      {
        file: place.file ?? file,
        ...(place.line !== undefined && { line: place.line }),
        ...(place.column !== undefined && { column: place.column }),
        severity: "error",
        code,
        message,
        remedy,
      },
    ];
  }
}
