// What worker threads bring: the statistics of a network's weights, and the rounding of one layer by its Hessian, in as many threads
// as the machine has cores, against the same work in one; by the clock, in turns, the fastest run of each.
import os from "node:os";
import path from "node:path";
import * as esbuild from "esbuild";
import { root } from "../../scripts/lib/run.mjs";
import { type Compute, inParallel, inPlace } from "../../src/core/compute/compute.ts";
import { sharedFloats } from "../../src/core/compute/shared.ts";
import { roundLayer } from "../../src/core/recovery/roundLayer.ts";
import { openComputePool } from "../../src/node/computePool.ts";
import { noise } from "../../test/support/tinyModel.ts";
import { momentsOf } from "../../test/unit/recovery/support.ts";
import type { Benchmark, Row } from "../lib/benchmark.ts";
import { withScratch } from "../lib/scratch.ts";
import { millis, times } from "../lib/table.ts";
import { timed } from "../lib/timing.ts";

/** Of the cores that there are, what has to be won by using them all: what is left goes to copies and to waiting for the last. */
const leastShare = 0.75;
const turns = 4;

const shape = [256, 128, 3, 3];
const layers = 24;
const bits = [2, 3, 4, 6, 8] as const;
const rows = 192;
const columns = 384;

/** Threads against one, at the same work. */
export const threads: Benchmark = (detail) =>
  withScratch(0, async (folder) => {
    const outfile = path.join(folder, "computeThread.cjs");
    const entry = path.join(root, "src/node/computeThread.ts");
    await esbuild.build({ entryPoints: [entry], outfile, bundle: true, platform: "node", format: "cjs" });
    const cores = os.availableParallelism();
    const pool = openComputePool(cores, outfile);
    try {
      const found: Row[] = [];
      for (const { what, work } of [statistics(), rounding()]) {
        const best = { one: Number.POSITIVE_INFINITY, all: Number.POSITIVE_INFINITY };
        // The first turn starts the threads and compiles.
        for (let turn = 0; turn <= turns; turn++) {
          const [one, all] = [await timed(() => work(inPlace)), await timed(() => work(pool))];
          if (turn === 0) continue;
          best.one = Math.min(best.one, one.ms);
          best.all = Math.min(best.all, all.ms);
        }
        const ratio = best.one / best.all;
        detail(`${what}: ${millis(best.one)} in one thread, ${millis(best.all)} in ${cores}`);
        found.push({
          what: `${what}, in ${cores} threads over shared memory`,
          bar: `${times(leastShare * cores)} one thread`,
          measured: times(ratio),
          met: ratio >= leastShare * cores,
        });
      }
      return found;
    } finally {
      await pool.close();
    }
  });

interface Work {
  readonly what: string;
  readonly work: (compute: Compute) => Promise<unknown>;
}

function statistics(): Work {
  const size = shape.reduce((a, b) => a * b, 1);
  const weights = Array.from({ length: layers }, (_, i) => sharedFloats(noise(size, i + 1)));
  return {
    what: `Weight statistics: ${layers} layers of ${size.toLocaleString("en")} weights, ${bits.length} bitwidths`,
    work: (compute) =>
      inParallel(weights, compute.width, async (weight) => {
        await compute.run("weightStatistics", { weight, shape, axis: 0, bits });
      }),
  };
}

function rounding(): Work {
  const moments = momentsOf(noise(columns * 50, 1), columns, 50, rows);
  const weight = noise(rows * columns, 2);
  const methods = new Set(["clip", "gptq", "coordinate"] as const);
  return {
    what: `Recovery: a layer of ${rows} x ${columns} weights rounded to 3 bits`,
    work: (compute) => roundLayer(moments, { weight, bits: 3, methods, compute }),
  };
}
