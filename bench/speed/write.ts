import { copyFile, open, rm } from "node:fs/promises";
import path from "node:path";
import type { Benchmark } from "../lib/benchmark.ts";
import { runChild } from "../lib/child.ts";
import { withScratch } from "../lib/scratch.ts";
import { megabytes, millis } from "../lib/table.ts";
import { timed } from "../lib/timing.ts";
import type { Written } from "./writeChild.ts";
import { writeLargeModel } from "./writeModel.ts";

/** Of the speed of a copy. */
const leastShare = 1 / 3;
/** The float model's size: what is in memory is less than if it were read as a whole. */
const maxResident = 1.07e9;
const runs = 3;
/** Float model, a copy of it, the quantized one, and a copy of that. */
const scratchBytes = 2.9e9;

/** Writes the quantized file of a 1 GB model, and copies files of the same size, in turns. */
export const writeQuantized: Benchmark = async (detail) =>
  withScratch(scratchBytes, async (folder) => {
    const float = await writeLargeModel(folder);
    const output = path.join(folder, "quantized.onnx");
    const all: { readonly written: Written; readonly floatCopyMs: number; readonly ownCopyMs: number }[] = [];
    for (let run = 0; run < runs; run++) {
      const floatCopyMs = await copyMs(float.data, path.join(folder, "copy"));
      const written = await runChild<Written>("speed/writeChild", [float.model, output]);
      const ownCopyMs = await copyMs(output, path.join(folder, "copy"));
      await rm(output);
      all.push({ written, floatCopyMs, ownCopyMs });
      detail(
        `1 GB copied in ${millis(floatCopyMs)}; quantized in ${millis(written.ms)} (${millis(written.cpuMs)} of CPU time), of it ` +
          `${millis(written.fileMs)} for the file of ${megabytes(written.bytes)}; that copied in ${millis(ownCopyMs)}`,
      );
    }
    const least = (of: (each: (typeof all)[number]) => number) => Math.min(...all.map(of));
    const share = least((each) => each.floatCopyMs) / least((each) => each.written.ms);
    const ownShare = least((each) => each.ownCopyMs) / least((each) => each.written.fileMs);
    const resident = Math.max(...all.map((each) => each.written.resident));
    const [first] = all;
    const what = `Write: ${megabytes(float.bytes)} of float weights in ${first?.written.layers} layers, mixed bits`;
    return [
      {
        what: `${what}, read, rounded and written`,
        bar: "1/3 of the speed of copying the float file",
        measured: share.toFixed(2),
        met: share >= leastShare,
      },
      {
        what: `${what}, the file of ${megabytes(first?.written.bytes ?? 0)} alone`,
        bar: "1/3 of the speed of copying it",
        measured: ownShare.toFixed(2),
        met: ownShare >= leastShare,
      },
      {
        what,
        bar: `${megabytes(maxResident)} of memory`,
        measured: megabytes(resident),
        met: resident <= maxResident,
      },
    ];
  });

/** A copy that is on the disk at the end, as the quantized file is. */
async function copyMs(from: string, to: string): Promise<number> {
  const { ms } = await timed(async () => {
    await copyFile(from, to);
    const file = await open(to, "r+");
    await file.sync();
    await file.close();
  });
  await rm(to);
  return ms;
}
