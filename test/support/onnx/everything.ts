import { create } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType as A,
  AttributeProtoSchema,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  SparseTensorProtoSchema,
  TensorProto_DataType as T,
  TensorProtoSchema,
} from "onnx-buf";
import { attribute, node, valueInfo } from "../../../src/core/onnx/build.ts";
import { maxInlinePayload } from "../../../src/core/onnx/limits.ts";
import { graphOf } from "./models.ts";

/** Elements of a float32 tensor whose data stay in the file. */
export const many = (2 * maxInlinePayload) / 4;

export function floats(name: string, count: number, start = 0) {
  return create(TensorProtoSchema, {
    name,
    dataType: T.FLOAT,
    dims: [BigInt(count)],
    rawData: new Uint8Array(Float32Array.from({ length: count }, (_, i) => start + i).buffer),
  });
}

function sparse(name: string, count: number) {
  return create(SparseTensorProtoSchema, {
    values: floats(name, count),
    indices: { name: `${name}.indices`, dataType: T.INT64, dims: [BigInt(count)], int64Data: Array(count).fill(3n) },
    dims: [BigInt(10 * count)],
  });
}

function body(prefix: string): GraphProto {
  return graphOf({
    nodes: [node("Add", ["x", `${prefix}.inner`], [`${prefix}.sum`], { name: "add in body" })],
    outputs: [valueInfo(`${prefix}.sum`, T.FLOAT, [many])],
    initializers: [floats(`${prefix}.inner`, many, 5)],
  });
}

function branches() {
  return [attribute.graph("then_branch", body("then")), attribute.graph("else_branch", body("else"))];
}

function everyAttribute() {
  const type = valueInfo("t", T.INT4, [2]).type;
  return [
    attribute.int("i", -7),
    attribute.ints("ints", [1, -(2n ** 63n), 2n ** 63n - 1n]),
    attribute.float("f", 0.1),
    attribute.floats("floats", [0.5, Number.POSITIVE_INFINITY, Number.NaN]),
    attribute.string("s", "é\u0000ÿ"),
    attribute.strings("strings", ["", "two"]),
    create(AttributeProtoSchema, { name: "tensors", type: A.TENSORS, tensors: [floats("a", 3), floats("b", many)] }),
    create(AttributeProtoSchema, { name: "graphs", type: A.GRAPHS, graphs: [body("first"), body("second")] }),
    create(AttributeProtoSchema, { name: "sparse", type: A.SPARSE_TENSOR, sparseTensor: sparse("s", many) }),
    create(AttributeProtoSchema, { name: "sparses", type: A.SPARSE_TENSORS, sparseTensors: [sparse("s", 2)] }),
    create(AttributeProtoSchema, { name: "type", type: A.TYPE_PROTO, ...(type && { tp: type }) }),
    create(AttributeProtoSchema, { name: "types", type: A.TYPE_PROTOS, typeProtos: type ? [type, type] : [] }),
  ];
}

/** A model with every kind of message that one can hold, tensors with large data and with small. It does not run. */
export function everything(): ModelProto {
  const graph = graphOf({
    nodes: [
      node("Constant", [], ["c"], { attributes: [attribute.tensor("value", floats("", many))] }),
      node("If", ["cond"], ["y"], { name: "branch", attributes: branches() }),
      node("Custom", ["y", "", "w"], ["z"], { domain: "com.example", attributes: everyAttribute() }),
    ],
    inputs: [valueInfo("x", T.FLOAT, ["batch", null, 3]), valueInfo("cond", T.BOOL, [])],
    outputs: [valueInfo("z", T.FLOAT)],
    initializers: [
      floats("w", many),
      floats("small", 4),
      create(TensorProtoSchema, { name: "empty", dims: [0n], dataType: T.FLOAT }),
    ],
  });
  graph.docString = "documentation ".repeat(500);
  graph.valueInfo.push(valueInfo("y", T.FLOAT, [1, 2]));
  graph.sparseInitializer.push(sparse("sparse", many));
  const proto = create(ModelProtoSchema, {
    irVersion: 10n,
    producerName: "producer",
    producerVersion: "1.2",
    domain: "org.example",
    modelVersion: -1n,
    docString: "model",
    opsetImport: [
      { domain: "", version: 21n },
      { domain: "com.example", version: 3n },
    ],
    metadataProps: [{ key: "author", value: "someone" }],
    configuration: [{ name: "two devices", numDevices: 2, device: ["a", "b"] }],
    functions: [
      {
        name: "F",
        domain: "com.example",
        overload: "o",
        input: ["a"],
        output: ["b"],
        attribute: ["alpha"],
        attributeProto: [attribute.tensor("default", floats("d", many))],
        node: [node("Relu", ["a"], ["b"])],
        opsetImport: [{ domain: "", version: 21n }],
      },
    ],
    trainingInfo: [
      {
        initialization: body("init"),
        algorithm: body("algorithm"),
        initializationBinding: [{ key: "k", value: "v" }],
        updateBinding: [{ key: "k", value: "v" }],
      },
    ],
    graph: {
      quantizationAnnotation: [{ tensorName: "w", quantParameterTensorNames: [{ key: "SCALE_TENSOR", value: "s" }] }],
      metadataProps: [{ key: "of the graph", value: "1" }],
    },
  });
  const { quantizationAnnotation, metadataProps } = proto.graph as GraphProto;
  proto.graph = Object.assign(graph, { quantizationAnnotation, metadataProps });
  return proto;
}
