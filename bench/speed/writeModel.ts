import { type FileHandle, open, writeFile } from "node:fs/promises";
import path from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  ModelProtoSchema,
  type NodeProto,
  TensorProto_DataType as T,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from "onnx-buf";
import { node, valueInfo } from "../../src/core/onnx/build.ts";
import { graphOf } from "../../test/support/onnx/models.ts";
import { bellShaped } from "../lib/weights.ts";

/** Shapes of the weights: four 3x3 convolutions, then matrices; 1.07 GB in float32. */
const convolution = [1024, 1024, 3, 3] as const;
const convolutions = 4;
const wide = [4096, 8192] as const;
const narrow = [8192, 4096] as const;
const matrixPairs = 3;
const between = [1024, 4096] as const;
const last = [4096, 4096] as const;
const lasts = 2;

/** Weights are made of one stretch of values, over and over: what is timed does not depend on what they are. */
const stretch = 2 ** 22;

export interface LargeModel {
  readonly model: string;
  readonly data: string;
  /** Of both files. */
  readonly bytes: number;
}

/** Writes a model of 1 GB, its weights as external data, that ONNX Runtime could run. */
export async function writeLargeModel(folder: string): Promise<LargeModel> {
  const nodes: NodeProto[] = [];
  const weights: TensorProto[] = [];
  let end = 0;
  let value = "input";
  const weight = (shape: readonly number[]): string => {
    const name = `weight_${weights.length}`;
    const length = 4 * shape.reduce((a, b) => a * b, 1);
    const entries = { location: "float.data", offset: end, length };
    weights.push(
      create(TensorProtoSchema, {
        name,
        dataType: T.FLOAT,
        dims: shape.map(BigInt),
        dataLocation: TensorProto_DataLocation.EXTERNAL,
        externalData: Object.entries(entries).map(([key, entry]) => ({ key, value: `${entry}` })),
      }),
    );
    end += length;
    return name;
  };
  const apply = (opType: string, inputs: readonly string[]) => {
    const output = `value_${nodes.length}`;
    nodes.push(node(opType, [value, ...inputs], [output], { name: `node_${nodes.length}` }));
    value = output;
  };
  for (let i = 0; i < convolutions; i++) apply("Conv", [weight(convolution)]);
  apply("GlobalAveragePool", []);
  apply("Flatten", []);
  apply("MatMul", [weight(between)]);
  for (let i = 0; i < matrixPairs; i++) {
    apply("MatMul", [weight(wide)]);
    apply("Relu", []);
    apply("MatMul", [weight(narrow)]);
  }
  for (let i = 0; i < lasts; i++) apply("MatMul", [weight(last)]);
  const graph = graphOf({
    nodes,
    inputs: [valueInfo("input", T.FLOAT, ["batch", 1024, 16, 16])],
    outputs: [valueInfo(value, T.FLOAT, ["batch", 4096])],
    initializers: weights,
  });
  const opsetImport = [{ domain: "", version: 21n }];
  const bytes = toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 10n, opsetImport, graph }));
  const model = path.join(folder, "float.onnx");
  const data = path.join(folder, "float.data");
  await writeFile(model, bytes);
  const file = await open(data, "w");
  try {
    await fill(file, end);
    await file.sync();
  } finally {
    await file.close();
  }
  return { model, data, bytes: bytes.length + end };
}

async function fill(file: FileHandle, length: number): Promise<void> {
  const values = new Uint8Array(bellShaped(stretch).buffer);
  for (let at = 0; at < length; at += values.length) {
    await file.write(values, 0, Math.min(values.length, length - at), at);
  }
}
