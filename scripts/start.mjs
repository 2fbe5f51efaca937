/** `npm start`: from a fresh clone to the bundled example, quantized for its microcontroller. Only Node's own modules here. */
import process from "node:process";
import { ensureInstalled, fail } from "./lib/ensureInstalled.mjs";
import { runNode } from "./lib/run.mjs";

const example = [
  "quantize",
  "examples/mobilenetv2.onnx",
  "--profile",
  "examples/microcontroller.hwprofile.json",
  "--calibration",
  "examples/calibration.npz",
  "--evaluation",
  "examples/evaluation.npz",
];

async function main() {
  await ensureInstalled();
  const built = await runNode("esbuild.mjs");
  if (built.code !== 0) throw new Error("The build failed; the messages above say where.");
  console.log(`> sigmaquant ${example.join(" ")}\n`);
  const { code } = await runNode("dist/cli.cjs", [...example, ...process.argv.slice(2)]);
  process.exitCode = code;
}

await main().catch(fail);
