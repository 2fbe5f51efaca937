import { create, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, TensorProto_DataType as T, TensorProto_DataLocation, TensorProtoSchema } from "onnx-buf";
import { attribute, node, valueInfo } from "../../../src/core/onnx/build.ts";
import { graphOf } from "./models.ts";

/**
 * A file of a chain of nodes as exporters write one: named, with attributes, every value declared with its shape, a
 * weight of [8, 8] for each matrix product.
 * @param external puts the weights, of `external` bytes each, at their places in one external file
 */
export function chainFile(nodes: number, external?: number): Uint8Array {
  const { ints, int } = attribute;
  const name = (i: number) => `/model/layers.${Math.floor(i / 20)}/block/value_${i}_output_0`;
  const side = external === undefined ? 8 : Math.sqrt(external / 4);
  const weights = Array.from({ length: Math.ceil(nodes / 3) }, (_, i) =>
    create(TensorProtoSchema, {
      name: `weight_${i}`,
      dataType: T.FLOAT,
      dims: [BigInt(side), BigInt(side)],
      ...(external === undefined
        ? { rawData: new Uint8Array(4 * side * side) }
        : {
            dataLocation: TensorProto_DataLocation.EXTERNAL,
            externalData: Object.entries({ location: "weights.bin", offset: i * external, length: external }).map(
              ([key, value]) => ({ key, value: `${value}` }),
            ),
          }),
    }),
  );
  const made = Array.from({ length: nodes }, (_, i) => {
    const options = { name: `/model/layers.${Math.floor(i / 20)}/block/node_${i}` };
    if (i % 3 === 0) return node("MatMul", [name(i), `weight_${i / 3}`], [name(i + 1)], options);
    if (i % 3 === 1) return node("Relu", [name(i)], [name(i + 1)], options);
    const attributes = [ints("perm", [0, 1, 2]), int("unused", 1)];
    return node("Transpose", [name(i)], [name(i + 1)], { ...options, attributes });
  });
  const graph = graphOf({
    nodes: made,
    inputs: [valueInfo(name(0), T.FLOAT, ["batch", "sequence", side])],
    outputs: [valueInfo(name(nodes), T.FLOAT, ["batch", "sequence", side])],
    initializers: weights,
  });
  for (let i = 1; i < nodes; i++) graph.valueInfo.push(valueInfo(name(i), T.FLOAT, ["batch", "sequence", side]));
  const opsetImport = [{ domain: "", version: 17n }];
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, opsetImport, graph }));
}
