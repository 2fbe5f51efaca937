import path from "node:path";
import type { Command } from "commander";
import { parsePreprocess } from "../../core/data/preprocess.ts";
import { SigmaQuantError, sentences } from "../../core/errors.ts";
import { parseJsonText } from "../../core/hardware/jsonText.ts";
import { parseProfile } from "../../core/hardware/parseProfile.ts";
import { parsePlan } from "../../core/plan/planFile.ts";
import { readText } from "../../node/files.ts";
import { openModelFile } from "../../node/openModel.ts";
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
    .argument("<files...>", "*.hwprofile.json, *.sigmaquant.json, preprocess.json or *.onnx")
    .addHelpText("after", "\nExample:\n  $ sigmaquant validate board.hwprofile.json model.sigmaquant.json")
    .action((files: string[], options) =>
      runCommand(options, signal, async (context) => {
        const checked = await Promise.all(files.map((file) => check(file, context.signal)));
        const findings = checked.flat();
        const errors = findings.filter((f) => f.severity === "error").length;
        if (context.json) printJson({ files, findings });
        else {
          for (const f of findings) {
            const at = [f.file, f.line, f.column].filter((part) => part !== undefined).join(":");
            print(`${at}: ${f.severity}: ${sentences(f.message, f.remedy).replace(/\.$/, "")} [${f.code}]`);
          }
          const wrong = checked.filter((own) => own.length > 0).length;
          if (wrong === 0) print(`${files.length === 1 ? files[0] : `${files.length} files`}: no problem found`);
          else if (files.length > 1) print(`${files.length} files, ${wrong} with problems`);
        }
        return errors > 0 ? exitCodes.badInput : exitCodes.done;
      }),
    );
}

async function check(file: string, signal: AbortSignal): Promise<readonly Finding[]> {
  try {
    switch (kindOf(file)) {
      case "model": {
        const opened = await openModelFile(file, { signal });
        await opened.close();
        return [];
      }
      case "preprocess":
        parsePreprocess(await readText(file, signal), file);
        return [];
      case "text": {
        const text = await readText(file, signal);
        if (looksLikePlan(file, text)) {
          parsePlan(text, file);
          return [];
        }
        const { problems } = parseProfile(text, { file, ...presetSource });
        return problems.map(({ line, column, severity, code, message, remedy }) => ({
          file,
          line,
          column,
          severity,
          code,
          message,
          remedy,
        }));
      }
      default:
        throw new SigmaQuantError("SQ1032", "not-checked", "Files of this kind are not checked", {
          remedy: "Give *.hwprofile.json, *.sigmaquant.json, preprocess.json or *.onnx",
          place: { file },
        });
    }
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

function kindOf(file: string): "model" | "preprocess" | "text" | undefined {
  if (path.basename(file) === "preprocess.json") return "preprocess";
  switch (path.extname(file).toLowerCase()) {
    case ".onnx":
      return "model";
    case ".json":
    case ".jsonc":
      return "text";
    default:
      return undefined;
  }
}

/** A plan may have any name (`allocate -o`); a profile has no layers. */
function looksLikePlan(file: string, text: string): boolean {
  if (file.endsWith(".sigmaquant.json")) return true;
  const { value } = parseJsonText(text, text.length);
  return !file.endsWith(".hwprofile.json") && typeof value === "object" && value !== null && "layers" in value;
}
