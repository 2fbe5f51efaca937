import { SigmaQuantError } from "../core/errors.ts";
import { inferenceErrors } from "../node/ortErrors.ts";

const { runtimeMissing, platform, runtimeBroken } = inferenceErrors;

/**
 * Why no model can be run here, in the words of the editor, whose users install packages of the extension and not of npm.
 * @returns undefined for an error that is not about ONNX Runtime itself
 */
export function runtimeProblem(error: unknown): SigmaQuantError | undefined {
  if (!(error instanceof SigmaQuantError)) return undefined;
  const { code, slug } = error;
  const message = "ONNX Runtime is not in this package of SigmaQuant";
  if (code === runtimeMissing.code) {
    // The package for all platforms: their binaries together are too large for one.
    const remedy = "There are packages with it for Linux and Windows (x64, arm64) and for macOS on Apple silicon";
    return new SigmaQuantError(code, slug, message, { remedy, cause: error });
  }
  if (code === platform.code) return error;
  if (code !== runtimeBroken.code) return undefined;
  if (error.remedy !== runtimeBroken.remedy) return error;
  return new SigmaQuantError(code, slug, error.message, { remedy: "Install SigmaQuant again", cause: error });
}
