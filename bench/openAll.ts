/** Opens every model below a folder and lists its layers; prints counts and each failure. Exit code 1 when any failed. */
import { readdir } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { SigmaQuantError } from "../src/core/errors.ts";
import { discoverLayers } from "../src/core/model/discover.ts";
import { openModelFile } from "../src/node/openModel.ts";

/** Longer than any model of a test suite takes: a model that needs it is worth a look. */
const slowMs = 1000;

async function main(folder: string): Promise<boolean> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".onnx"))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
  const count = { opened: 0, withLayers: 0, layers: 0, quantizable: 0, refused: 0, crashed: 0, bytes: 0 };
  const started = performance.now();
  for (const file of files) {
    const before = performance.now();
    try {
      const { model, bytes, close } = await openModelFile(file);
      try {
        const { layers } = await discoverLayers(model);
        count.opened++;
        count.bytes += bytes;
        count.layers += layers.length;
        if (layers.length > 0) count.withLayers++;
        count.quantizable += layers.filter((layer) => layer.floatReason === undefined).length;
      } finally {
        await close();
      }
    } catch (error) {
      const known = error instanceof SigmaQuantError;
      if (known) count.refused++;
      else count.crashed++;
      console.log(known ? error.describe() : `${file}: ${error instanceof Error ? error.stack : error}`);
    }
    const ms = performance.now() - before;
    if (ms > slowMs) console.log(`${file}: took ${(ms / 1000).toFixed(1)} s`);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${files.length} models, ${(count.bytes / 2 ** 20).toFixed(1)} MiB, ${seconds} s`);
  console.log(`${count.opened} opened, ${count.refused} refused with a reason, ${count.crashed} failed`);
  console.log(`${count.layers} layers in ${count.withLayers} models, ${count.quantizable} of them can be quantized`);
  return files.length > 0 && count.opened === files.length;
}

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.log("usage: node bench/run.mjs openAll FOLDER");
  process.exitCode = 2;
} else {
  process.exitCode = (await main(folder)) ? 0 : 1;
}
