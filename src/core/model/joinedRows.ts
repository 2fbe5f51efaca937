import type { NodeProto } from "onnx-buf";
import { intAttribute } from "../onnx/build.ts";
import type { TensorStore } from "../onnx/tensors.ts";
import { isStandard } from "./constantNode.ts";
import type { ChainStep, ConstantScope } from "./weightChain.ts";

/** Slices that a weight is joined from, at most: a gate each, of an LSTM's four. 16 leaves room. Our choice. */
const maxSlices = 16;

/**
 * A Concat of slices of one value's rows: that is how PyTorch's exporter puts a recurrent network's gates into ONNX's order where it
 * does not fold constants. Undefined for any other node.
 */
export async function joinedRows(
  scope: ConstantScope,
  tensors: TensorStore,
  node: NodeProto,
): Promise<{ readonly step: ChainStep; readonly source: string } | undefined> {
  if (node.opType !== "Concat" || !isStandard(node) || node.input.length > maxSlices) return undefined;
  if (intAttribute(node, "axis", Number.NaN) !== 0) return undefined;
  const slices: NodeProto[] = [];
  const ints: number[] = [];
  for (const name of node.input) {
    const slice = scope.producer(name);
    const rows = slice && (await slicedRows(scope, tensors, slice));
    if (slice === undefined || rows === undefined) return undefined;
    slices.push(slice);
    ints.push(...rows);
  }
  const [source = ""] = slices[0]?.input ?? [];
  return slices.every(({ input }) => input[0] === source) ? { step: { node, ints, slices }, source } : undefined;
}

/** First row and the one behind the last of a Slice along axis 0, as of opset 10, that counts from the front. */
async function slicedRows(
  scope: ConstantScope,
  tensors: TensorStore,
  { opType, input, domain }: NodeProto,
): Promise<readonly [number, number] | undefined> {
  if (opType !== "Slice" || (domain !== "" && domain !== "ai.onnx")) return undefined;
  const numbers = await Promise.all(
    [1, 2, 3, 4].map(async (slot) => {
      const name = input[slot] ?? "";
      const constant = scope.constant(name);
      if (name === "") return slot === 3 ? 0 : slot === 4 ? 1 : undefined;
      return constant && tensors.elements(constant) === 1 ? Number((await tensors.read(constant))[0]) : undefined;
    }),
  );
  const [start, end, axis, step] = numbers;
  const isPlain = start !== undefined && end !== undefined && axis === 0 && step === 1 && start >= 0 && end > start;
  return isPlain ? [start, end] : undefined;
}
