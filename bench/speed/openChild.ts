/**
 * Opens a model as the editor does for its first table, and then as `sigmaquant inspect` does, with shapes; tells how long after the
 * first byte each was there, what was read of which file, and the most memory that this process had. Argument: the model.
 */
import { fstatSync } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { factsOf } from "../../src/core/pipeline/facts.ts";
import { prepareModel } from "../../src/core/pipeline/prepare.ts";
import { openModelFile } from "../../src/node/openModel.ts";
import { createOrtInference } from "../../src/node/ortInference.ts";
import { peakResident, tellParent } from "../lib/child.ts";
import { cpuMs } from "../lib/timing.ts";

export interface Opened {
  readonly layers: number;
  /** From the first byte read to the table. */
  readonly ms: number;
  readonly cpuMs: number;
  readonly resident: number;
  /** Of the model's file. */
  readonly fileBytes: number;
  /** Read of the model's file until the table was there, and of all others. */
  readonly graphBytes: number;
  readonly otherBytes: number;
  /** The same for the table with shapes, by ONNX Runtime. */
  readonly shapesMs: number;
  readonly shapesResident: number;
}

/** What is read of each file from now on, by its inode; and when and at which CPU time the first byte was. */
class Reads {
  readonly bytes = new Map<number, number>();
  first: { readonly ms: number; readonly cpuMs: number } | undefined;

  /** Every read through a FileHandle goes through its prototype, which has no name of its own. */
  static async watch(file: string): Promise<Reads> {
    const reads = new Reads();
    const handle = await open(file);
    const prototype = Object.getPrototypeOf(handle) as FileHandle;
    await handle.close();
    const { read } = prototype;
    prototype.read = async function (this: FileHandle, ...args: unknown[]) {
      reads.first ??= { ms: performance.now(), cpuMs: cpuMs() };
      const { ino } = fstatSync(this.fd);
      const result = await Reflect.apply(read, this, args);
      reads.bytes.set(ino, (reads.bytes.get(ino) ?? 0) + result.bytesRead);
      return result;
    } as FileHandle["read"];
    return reads;
  }
}

async function main(file: string): Promise<Opened> {
  const { ino, size: fileBytes } = await stat(file);
  const reads = await Reads.watch(file);
  const opened = await openModelFile(file);
  const prepared = await prepareModel(opened.model, { path: file, keepBatchNorm: true });
  const { layers } = factsOf(prepared);
  const [now, cpu] = [performance.now(), cpuMs()];
  const began = reads.first ?? { ms: now, cpuMs: cpu };
  const all = [...reads.bytes.values()].reduce((a, b) => a + b, 0);
  const graphBytes = reads.bytes.get(ino) ?? 0;
  const table = { ms: now - began.ms, cpuMs: cpu - began.cpuMs, resident: peakResident() };
  await prepareModel(opened.model, { path: file, keepBatchNorm: true, inference: createOrtInference() });
  const shapesMs = performance.now() - now;
  await opened.close();
  return {
    layers,
    ...table,
    fileBytes,
    graphBytes,
    otherBytes: all - graphBytes,
    shapesMs,
    shapesResident: peakResident(),
  };
}

tellParent(await main(process.argv[2] ?? ""));
