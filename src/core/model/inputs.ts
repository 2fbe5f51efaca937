import { TensorProto_DataType as T } from "onnx-buf";
import type { OnnxModel } from "../onnx/model.ts";
import type { TensorType, ValueInfo } from "../ports.ts";
import { tensorType } from "./assumedDims.ts";

const typeNames: ReadonlyMap<number, TensorType> = new Map<number, TensorType>([
  [T.FLOAT, "float32"],
  [T.DOUBLE, "float64"],
  [T.FLOAT16, "float16"],
  [T.INT8, "int8"],
  [T.UINT8, "uint8"],
  [T.INT16, "int16"],
  [T.UINT16, "uint16"],
  [T.INT32, "int32"],
  [T.UINT32, "uint32"],
  [T.INT64, "int64"],
  [T.UINT64, "uint64"],
  [T.BOOL, "bool"],
  [T.STRING, "string"],
]);

/** The inputs that a run has to be given, as the file declares them; initializers declared as inputs (IR 3) are none. */
export function modelInputs({ graph }: OnnxModel): readonly ValueInfo[] {
  const constants = new Set(graph.initializer.map((t) => t.name));
  return graph.input
    .filter((value) => !constants.has(value.name))
    .map((value) => {
      const type = tensorType(value);
      const dims = (type?.shape?.dim ?? []).map(({ value: dim }) => {
        if (dim.case === "dimValue") return Number(dim.value) > 0 ? Number(dim.value) : null;
        return dim.case === "dimParam" && dim.value !== "" ? dim.value : null;
      });
      return { name: value.name, type: typeNames.get(type?.elemType ?? 0) ?? "unknown", dims };
    });
}
