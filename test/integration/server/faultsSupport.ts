import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { requests } from "../../../src/protocol/requests.ts";
import { uriOf } from "../../support/server.ts";
import { bitsOf, isDecided, type SmallBench, smallBench } from "./support.ts";

/** What a run to files leaves beside the model. */
export const written = [
  "resnet8.microcontroller.onnx",
  "resnet8.microcontroller.report.md",
  "resnet8.microcontroller.report.csv",
  "resnet8.sigmaquant.json",
];

/** Settings of runs that are to be over soon. */
export const quick = { samples: 16 } as const;

/** The quantized model of a run, as its hash. */
export function modelHash({ folder }: SmallBench): string {
  return createHash("sha256")
    .update(readFileSync(path.join(folder, written[0] as string)))
    .digest("hex");
}

export interface Undisturbed {
  readonly hash: string;
  readonly ms: number;
  readonly bits: ReturnType<typeof bitsOf>;
}
let whole: Undisturbed | undefined;

/** A run to files from scratch: what the others are compared with. */
export async function undisturbed(): Promise<Undisturbed> {
  whole ??= await runOnce();
  return whole;
}

async function runOnce(): Promise<Undisturbed> {
  const bench = smallBench();
  const server = await bench.start({ settings: quick });
  await server.open(bench.model);
  const started = Date.now();
  await server.request(requests.quantize, { uri: uriOf(bench.model), overwrite: false });
  const ms = Date.now() - started;
  const last = await server.until(bench.model, isDecided);
  return { hash: modelHash(bench), ms, bits: bitsOf(last) };
}

/** The model with one layer's weights doubled. */
export function retrain(model: string): void {
  const proto = fromBinary(ModelProtoSchema, Uint8Array.from(readFileSync(model)));
  const weights = proto.graph?.initializer.find(({ dims }) => dims.length === 4);
  if (!weights) throw new Error("no weights");
  const values = new Float32Array(weights.rawData.slice().buffer).map((value) => value * 2);
  weights.rawData = new Uint8Array(values.buffer);
  writeFileSync(model, toBinary(ModelProtoSchema, proto));
}
