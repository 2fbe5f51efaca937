import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type NodeProto, type TensorProto, TensorProto_DataType, TensorProtoSchema } from "onnx-buf";

/** The value of a Constant node in any of its dense forms; undefined for sparse values and strings (ONNX Constant-13). */
export function constantValue(node: NodeProto): TensorProto | undefined {
  for (const attribute of node.attribute) {
    switch (attribute.name) {
      case "value":
        return attribute.t;
      case "value_float":
        return made([], { dataType: TensorProto_DataType.FLOAT, floatData: [attribute.f] });
      case "value_floats":
        return made([attribute.floats.length], { dataType: TensorProto_DataType.FLOAT, floatData: attribute.floats });
      case "value_int":
        return made([], { dataType: TensorProto_DataType.INT64, int64Data: [attribute.i] });
      case "value_ints":
        return made([attribute.ints.length], { dataType: TensorProto_DataType.INT64, int64Data: attribute.ints });
      default:
    }
  }
  return undefined;
}

function made(dims: readonly number[], fields: MessageInitShape<typeof TensorProtoSchema>): TensorProto {
  return create(TensorProtoSchema, { ...fields, dims: dims.map(BigInt) });
}

/** A Constant of ONNX itself. */
export function isConstant(node: NodeProto): boolean {
  return node.opType === "Constant" && isStandard(node);
}

/** An operator of ONNX's own domain, which has two spellings. */
export function isStandard(node: NodeProto): boolean {
  return node.domain === "" || node.domain === "ai.onnx";
}
