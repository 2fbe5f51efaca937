/** `node scripts/checkModels.mjs FOLDER`: opens every .onnx below the folder and lists its layers (bench/openAll.ts). */
import process from "node:process";
import { runTs } from "./lib/runTs.mjs";

process.exitCode = await runTs("bench/openAll.ts", process.argv.slice(2));
