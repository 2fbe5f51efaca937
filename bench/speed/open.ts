import { open, writeFile } from "node:fs/promises";
import path from "node:path";
import { chainFile } from "../../test/support/onnx/generated.ts";
import type { Benchmark, Row } from "../lib/benchmark.ts";
import { runChild } from "../lib/child.ts";
import { withScratch } from "../lib/scratch.ts";
import { megabytes, millis } from "../lib/table.ts";
import type { Opened } from "./openChild.ts";

const maxMs = 1000;
const maxResident = 300e6;
const runs = 4;
/** The beginning is read twice: once to tell what kind of file it is. */
const mostReread = 1.01;

/** 300 weights of 1600 x 1600 floats: 3.07 GB. */
const externalWeights = 300;
const externalBytes = 4 * 1600 * 1600;
/** chainFile has a weight for every third node. */
const nodesPerWeight = 3;

/** First table of large models, each in a process of its own. */
export const openModels: Benchmark = async (detail) =>
  withScratch(64e6, async (folder) => {
    const many = path.join(folder, "nodes.onnx");
    await writeFile(many, chainFile(10_000));
    const heavy = path.join(folder, "external.onnx");
    await writeFile(heavy, chainFile(nodesPerWeight * externalWeights, externalBytes));
    // A hole: nothing is to be read of it, so that nothing has to be on the disk.
    const weights = await open(path.join(folder, "weights.bin"), "w");
    await weights.truncate(externalWeights * externalBytes);
    await weights.close();
    const gigabytes = ((externalWeights * externalBytes) / 1e9).toFixed(0);
    return [
      await row("Open: first table of 10,000 nodes", many, detail),
      await row(`Open: first table beside ${gigabytes} GB of external data`, heavy, detail),
    ];
  });

async function row(what: string, file: string, detail: (text: string) => void): Promise<Row> {
  const all: Opened[] = [];
  for (let run = 0; run < runs; run++) all.push(await runChild<Opened>("speed/openChild", [file]));
  const best = all.reduce((a, b) => (b.ms < a.ms ? b : a));
  const { ms, graphBytes, fileBytes, otherBytes } = best;
  const resident = Math.max(...all.map((each) => each.resident));
  detail(
    `${what}: ${best.layers} layers; with shapes by ONNX Runtime ${millis(best.shapesMs)} more, ` +
      `${megabytes(best.shapesResident)} of memory`,
  );
  return {
    what,
    bar: "1 s from the first byte, 300 MB of memory, no weights read",
    measured: `${millis(ms)} (${millis(best.cpuMs)} CPU), ${megabytes(resident)}, ${megabytes(graphBytes)} of ${megabytes(fileBytes)} read, ${otherBytes} bytes of weights`,
    met: ms <= maxMs && resident <= maxResident && graphBytes <= fileBytes * mostReread && otherBytes === 0,
  };
}
