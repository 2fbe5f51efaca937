import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { unzipSync, zipSync } from "fflate";
import { root } from "../../scripts/lib/run.mjs";

const examples = path.join(root, "examples");

/** Samples in the small sets: an analysis of ResNet-8 with them takes some seconds on two cores. */
const smallSets = { "calibration.npz": 64, "evaluation.npz": 200 } as const;

/** The network of the small workspace: ten layers that take the same input as the example's. */
export const resnet8Layers = 10;

/** Writes ResNet-8 and the first samples of the example's sets into a folder: real data, and quick. */
export function writeSmallModel(folder: string, name = "resnet8.onnx"): string {
  mkdirSync(folder, { recursive: true });
  const model = path.join(folder, name);
  copyFileSync(path.join(root, "test/fixtures/models/resnet8.onnx"), model);
  copyFileSync(path.join(examples, "preprocess.json"), path.join(folder, "preprocess.json"));
  for (const [set, rows] of Object.entries(smallSets)) {
    const arrays = unzipSync(readFileSync(path.join(examples, set)));
    const cut = Object.entries(arrays).map(([array, bytes]) => [array, firstRows(bytes, rows)] as const);
    writeFileSync(path.join(folder, set), zipSync(Object.fromEntries(cut)));
  }
  return model;
}

/** Writes the example's device profile into a folder. */
export function writeProfile(folder: string): string {
  const profile = path.join(folder, "microcontroller.hwprofile.json");
  copyFileSync(path.join(examples, "microcontroller.hwprofile.json"), profile);
  return profile;
}

/** A `.npy` array of version 1 cut to its first rows: magic (6 bytes), version (2), length of the header (2), header, data. */
function firstRows(bytes: Uint8Array, rows: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const dataAt = 10 + view.getUint16(8, true);
  const header = new TextDecoder().decode(bytes.subarray(10, dataAt));
  const all = Number(/'shape': \((\d+),/.exec(header)?.[1]);
  const rowBytes = (bytes.length - dataAt) / all;
  // Blanks keep the header's length, and with it the data's alignment.
  const shorter = header
    .replace(/'shape': \(\d+,/, `'shape': (${rows},`)
    .trimEnd()
    .padEnd(dataAt - 11);
  const cut = bytes.slice(0, dataAt + rows * rowBytes);
  cut.set(new TextEncoder().encode(`${shorter}\n`), 10);
  return cut;
}
