import { create } from "@bufbuild/protobuf";
import { GraphProtoSchema, ModelProtoSchema, TensorProto_DataType } from "onnx-buf";
import { attribute, node, valueInfo } from "../onnx/build.ts";
import { TensorStore } from "../onnx/tensors.ts";
import { modelBytes } from "../onnx/write.ts";
import type { Inference, InferenceSession, Tensor } from "../ports.ts";

/** A stack of matrices: float32 [units, rows, data.length / (units * rows)]. */
export interface Stack {
  readonly rows: number;
  readonly data: Float32Array;
}

/**
 * Matrix products by ONNX Runtime's own MatMul: some twenty times as fast as a loop in JavaScript, and products are most of
 * what recovery has to compute. Results are float32: callers add up chunks in double.
 */
export class GramProducts {
  private constructor(
    private readonly transposing: InferenceSession,
    private readonly plain: InferenceSession,
  ) {}

  static async open(inference: Inference, threads?: number, signal?: AbortSignal): Promise<GramProducts> {
    const options = { optimization: "all" as const, ...(threads !== undefined && { threads }) };
    const transposing = await inference.open(await productModel(true, signal), options);
    return new GramProducts(transposing, await inference.open(await productModel(false, signal), options));
  }

  /** c[unit, i, j] = sum over p of a[unit, i, p] * b[unit, j, p]. */
  product(a: Stack, b: Stack, units: number): Promise<Float32Array> {
    return run(this.transposing, a, b, units);
  }

  /** c[unit, i, p] = sum over j of a[unit, i, j] * b[unit, j, p]. */
  apply(a: Stack, b: Stack, units: number): Promise<Float32Array> {
    return run(this.plain, a, b, units);
  }

  async close(): Promise<void> {
    await this.transposing.close();
    await this.plain.close();
  }
}

async function run(session: InferenceSession, a: Stack, b: Stack, units: number): Promise<Float32Array> {
  const tensor = ({ rows, data }: Stack): Tensor => {
    return { type: "float32", dims: [units, rows, data.length / (units * rows)], data };
  };
  const { c } = await session.run({ a: tensor(a), b: tensor(b) });
  return c?.data as Float32Array;
}

async function productModel(transposes: boolean, signal?: AbortSignal): Promise<Uint8Array> {
  const input = (name: string) => valueInfo(name, TensorProto_DataType.FLOAT, [`${name}0`, `${name}1`, `${name}2`]);
  const transpose = node("Transpose", ["b"], ["t"], { attributes: [attribute.ints("perm", [0, 2, 1])] });
  const graph = create(GraphProtoSchema, {
    name: "product",
    node: transposes ? [transpose, node("MatMul", ["a", "t"], ["c"])] : [node("MatMul", ["a", "b"], ["c"])],
    input: [input("a"), input("b")],
    output: [valueInfo("c", TensorProto_DataType.FLOAT)],
  });
  const proto = create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ domain: "", version: 13n }], graph });
  return modelBytes({ proto, graph, tensors: new TensorStore() }, signal);
}

/** sums[i] += added[i] */
export function accumulate(sums: Float64Array, added: Float32Array): void {
  for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + (added[i] as number);
}

/** sums[row] += the sum of a row of a [rows, count] matrix. */
export function accumulateRows(sums: Float64Array, data: Float32Array, count: number): void {
  for (let row = 0, at = 0; row < sums.length; row++) {
    let sum = 0;
    for (const end = at + count; at < end; at++) sum += data[at] as number;
    sums[row] = (sums[row] as number) + sum;
  }
}
