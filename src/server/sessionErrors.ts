import { SigmaQuantError, sentences } from "../core/errors.ts";
import { fileError } from "../node/errors.ts";
import type { FatalProblem } from "../protocol/editor.ts";

/** An error as a banner tells it. */
export function failureOf(error: unknown): { readonly message: string; readonly code: string } {
  if (!(error instanceof SigmaQuantError)) {
    return { message: error instanceof Error ? error.message : String(error), code: "SQ9000" };
  }
  const { code, message, remedy, place } = error;
  // The model is in front of whoever reads this; of samples, one file in many may be meant.
  const which = code.startsWith("SQ4") && place.file !== undefined ? `${shortPath(place.file)}: ` : "";
  return { message: `${which}${sentences(message, remedy)}`, code };
}

/** A file with the folder that it lies in. */
function shortPath(file: string): string {
  return file.split(/[\\/]/).slice(-2).join("/");
}

/** An error that leaves nothing to show of a file. */
export function fatalOf(error: unknown, fileName: string): FatalProblem {
  const title = `${fileName} cannot be read`;
  if (!(error instanceof SigmaQuantError)) {
    const message = error instanceof Error ? error.message : String(error);
    return { title, message, remedy: "Report this as a bug, with the log", code: "SQ9000", slug: "internal" };
  }
  const { byte, item } = error.place;
  const where = [item, byte === undefined ? undefined : `byte ${byte}`].filter((part) => part !== undefined).join(", ");
  const message = where === "" ? error.message : `${error.message} (${where})`;
  return { title, message, remedy: error.remedy, code: error.code, slug: error.slug };
}

/** A run to files ended because its model is not the one that it began with. */
export function modelChanged(file: string): SigmaQuantError {
  return fileError("changed", "The model's file changed while it was being quantized", { file });
}

export function notTrusted(): SigmaQuantError {
  return new SigmaQuantError("SQ1103", "not-trusted", "Restricted Mode does not allow to run the model", {
    remedy: "Trust the workspace to quantize in it",
  });
}
