/**
 * Quantizes a model to mixed bits as `sigmaquant quantize --recovery none` does once the bits are decided, from opening the file to the
 * written one being on the disk; tells what it took, and the most memory that this process had. Arguments: the model, the output.
 */
import process from "node:process";
import type { Bits } from "../../src/core/hardware/profile.ts";
import { quantizableSites } from "../../src/core/model/discover.ts";
import { CandidateWeights, roundToNearest } from "../../src/core/pipeline/candidates.ts";
import { prepareModel } from "../../src/core/pipeline/prepare.ts";
import { quantizedModel } from "../../src/core/pipeline/quantizedModel.ts";
import { openModelFile } from "../../src/node/openModel.ts";
import { writeModelFile } from "../../src/node/writeModelFile.ts";
import { peakResident, tellParent } from "../lib/child.ts";
import { timed } from "../lib/timing.ts";

export interface Written {
  readonly ms: number;
  readonly cpuMs: number;
  /** Of it the file alone, the integers being there. */
  readonly fileMs: number;
  readonly bytes: number;
  readonly layers: number;
  readonly resident: number;
}

/** Of the layers, in turns. */
const mixed: readonly Bits[] = [8, 4, 2, 6, 4, 3];

async function main(file: string, output: string): Promise<Written> {
  const { value, ms, cpuMs } = await timed(async () => {
    const opened = await openModelFile(file);
    try {
      const prepared = await prepareModel(opened.model, { path: file });
      const sites = quantizableSites(prepared.discovery);
      const bits = new Map(sites.map(({ layer }, i) => [layer.name, mixed[i % mixed.length] as Bits]));
      const weights = new CandidateWeights(prepared, roundToNearest);
      const { model } = await quantizedModel(prepared, weights, bits, new Map(), undefined, () => {});
      const written = await timed(() => writeModelFile(model, output));
      return { fileMs: written.ms, bytes: written.value.bytes, layers: sites.length };
    } finally {
      await opened.close();
    }
  });
  return { ...value, ms, cpuMs, resident: peakResident() };
}

const [, , model = "", output = ""] = process.argv;
tellParent(await main(model, output));
