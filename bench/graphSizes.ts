/** What opening, listing, copying, writing and raising models of growing size costs. Prints a table. */
import { discoverLayers } from "../src/core/model/discover.ts";
import { copyModel, type OnnxModel } from "../src/core/onnx/model.ts";
import { raiseOpset } from "../src/core/onnx/opset.ts";
import { readModel } from "../src/core/onnx/read.ts";
import { modelBytes } from "../src/core/onnx/write.ts";
import { chainFile } from "../test/support/onnx/generated.ts";
import { countingSource, stampedSource } from "../test/support/onnx/sources.ts";
import { millis } from "./lib/table.ts";
import { bestOf } from "./lib/timing.ts";

const runs = 4;

interface Row {
  readonly nodes: number;
  readonly file: string;
  readonly external: string;
  readonly read: string;
  readonly reads: number;
  readonly open: string;
  readonly list: string;
  readonly copy: string;
  readonly write: string;
  readonly raise: string;
}

async function best<V>(work: () => Promise<V> | V): Promise<[ms: string, value: V]> {
  const { ms, value } = await bestOf(runs, work);
  return [millis(ms), value];
}

const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(2)} MiB`;

async function row(nodes: number, externalBytes?: number): Promise<Row> {
  const file = chainFile(nodes, externalBytes);
  const data = stampedSource(externalBytes === undefined ? 0 : externalBytes * Math.ceil(nodes / 3));
  let source = countingSource(file);
  const [open, model] = await best<OnnxModel>(() => {
    source = countingSource(file);
    return readModel(source, { openExternal: async () => data });
  });
  const [list, { layers }] = await best(() => discoverLayers(model));
  if (layers.length === 0) throw new Error("no layers");
  const [copy] = await best(() => copyModel(model));
  // With external weights, what is written is the model without them: writing those is the disk's speed.
  const [write] = externalBytes === undefined ? await best(() => modelBytes(model)) : ["-"];
  const [raise] = await best(() => raiseOpset(copyModel(model), 25));
  if (data.bytesRead() > 0) throw new Error("weights were read");
  return {
    nodes,
    file: mib(file.length),
    external: mib(data.size),
    read: mib(source.bytesRead()),
    reads: source.reads.length,
    open,
    list,
    copy,
    write,
    raise: `${raise} (with a copy)`,
  };
}

const rows: Row[] = [];
for (const nodes of [100, 1000, 10_000, 100_000]) rows.push(await row(nodes));
// 300 weights of 10 MiB: 3 GB beside a graph of 900 nodes.
rows.push(await row(900, 4 * 1600 * 1600));
console.table(rows);
console.log(`heap ${mib(process.memoryUsage().heapUsed)}, resident ${mib(process.memoryUsage().rss)}`);
