import { type NodeProto, TensorProto_DataType as T } from "onnx-buf";
import { intAttribute } from "../onnx/build.ts";
import { isNumeric } from "../onnx/convert.ts";
import { elementType } from "../onnx/elementTypes.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { isStandard } from "./constantNode.ts";
import type { WeightUse } from "./discover.ts";
import { type FloatReason, floatReasons, minRowElements } from "./floatReasons.ts";
import {
  channelAxisOf,
  integerWeightBits,
  isRecurrent,
  listedConstants,
  rowWeights,
  summedLength,
  weightSlots,
} from "./operators.ts";
import { onlyReader, type Readers } from "./readers.ts";
import type { Scope } from "./scope.ts";
import {
  dequantizedBits,
  floatTypes,
  normalizeAxis,
  product,
  traceConstant,
  transparentOps,
  type WeightChain,
} from "./weightChain.ts";

/** One node with weights, before those that share a tensor are put together. */
export interface Candidate extends Found {
  /** Path of the graph that holds the stored tensor, see Scope.home. */
  readonly home: string;
  /** The values from the stored tensor to the operator, see valueKey. */
  readonly values: readonly string[];
}

interface Found {
  readonly opType: string;
  readonly path: string;
  /** Undefined when the weight is not stored in the file. */
  readonly chain: WeightChain | undefined;
  /** The weight's shape as its layer has it, where that is not the chain's. */
  readonly shape?: readonly number[];
  readonly axis: number;
  readonly groups: number;
  readonly use: WeightUse;
  readonly suffix: string;
  readonly reason?: FloatReason;
  /** Of weights that are integers already. */
  readonly storedBits?: number;
  /** Weights that one element of the stored tensor holds; 1 when left out. */
  readonly perElement?: number;
}

/** Where a node is. */
export interface Surroundings {
  readonly model: OnnxModel;
  readonly scope: Scope;
  /** The main graph's; bodies need none. */
  readonly readers?: Readers;
  /** A function's inputs are whatever its callers pass, so that they count as neither constants nor values. */
  readonly kind: "graph" | "function";
  /** Whether weights behind a DequantizeLinear are quantized again. */
  readonly requantize?: boolean;
}

/** Smaller constants of operators that have no weights in the usual sense are masks and offsets: our choice. */
const minListedElements = 256;

/** A value's name with the graph that it belongs to: bodies may use one name for different values. */
export function valueKey(scope: Scope, name: string): string {
  return `${scope.home(name)}:${name}`;
}

/** The weights of one node: none, one, or several (LSTM). */
export async function candidatesOf(
  around: Surroundings,
  node: NodeProto,
  index: number,
  path: string,
): Promise<Candidate[]> {
  const { scope } = around;
  return (await foundIn(around, node, index, path)).map((found) => {
    const { chain } = found;
    const names = chain ? [chain.tensorName, ...chain.steps.map((step) => step.node.output[0] ?? "")] : [];
    const home = chain ? scope.home(chain.tensorName) : "";
    return { ...found, home, values: names.map((name) => valueKey(scope, name)) };
  });
}

async function foundIn(around: Surroundings, node: NodeProto, index: number, path: string): Promise<Found[]> {
  const slots = weightSlots(node);
  if (slots === undefined) {
    return rowWeights(node) ? rows(around, node, index, path) : listed(around, node, index, path);
  }
  const { scope, model } = around;
  // With every operand fixed the runtime folds the node away: it is no layer.
  if (scope.isFixed(node.input[0] ?? "") && scope.isFixed(node.input[1] ?? "")) return [];
  for (const slot of slots) {
    const name = node.input[slot] ?? "";
    const chain = name === "" ? undefined : await traceConstant(scope, model.tensors, name);
    if (chain === undefined) continue;
    if (!floatTypes.has(chain.elementType)) return [];
    return [await stored(around, node, index, path, slot, chain)];
  }
  const slot = slots.find((s) => scope.isFixed(node.input[s] ?? "")) ?? (slots.length === 1 ? slots[0] : undefined);
  if (slot === undefined) return [];
  const name = node.input[slot] ?? "";
  if (name === "" || (around.kind === "function" && !scope.isFixed(name))) return [];
  const reason = computedReason(scope, node, name);
  return [
    {
      opType: node.opType,
      path,
      chain: undefined,
      axis: 0,
      groups: intAttribute(node, "group", 1),
      use: { node, index, path, slot, bias: "" },
      suffix: "",
      reason,
    },
  ];
}

async function stored(
  around: Surroundings,
  node: NodeProto,
  index: number,
  path: string,
  slot: number,
  chain: WeightChain,
): Promise<Found> {
  const axis = channelAxisOf(node, slot, chain.shape.length);
  const storedBits = around.requantize ? undefined : dequantizedBits(chain);
  const reason =
    storedBits === undefined ? unfit(node, slot, chain, axis) : floatReasons.dequantized(node.opType, storedBits);
  return {
    opType: node.opType,
    path,
    chain,
    axis: axis ?? 0,
    groups: intAttribute(node, "group", 1),
    use: { node, index, path, slot, ...((await biasOf(around, node, slot, chain)) ?? { bias: "" }) },
    suffix: "",
    ...(reason && { reason }),
    ...(storedBits !== undefined && { storedBits }),
  };
}

/** Why a weight that is the same in every run, but is no stored tensor, stays as it is. */
function computedReason(scope: Scope, node: NodeProto, name: string): FloatReason {
  if (scope.isOpaque(name)) return floatReasons.sparse;
  let producer = scope.producer(name);
  const last = producer?.opType ?? "";
  // Integers that are unpacked from bytes (weights of 3, 5 and 6 bits are written so) reach the operator dequantized.
  while (producer && scope.isFixed(name) && transparentOps.has(producer.opType)) {
    if (producer.opType === "DequantizeLinear") return floatReasons.alreadyQuantized(node.opType, undefined);
    producer = scope.producer(producer.input[0] ?? "");
  }
  return floatReasons.runTime(last);
}

function unfit(node: NodeProto, slot: number, chain: WeightChain, axis: number | undefined): FloatReason | undefined {
  if (!isNumeric(chain.tensor.dataType)) return floatReasons.storedAs(chain.tensor.dataType);
  if (axis === undefined) {
    return node.opType === "MatMul" ? floatReasons.vector : floatReasons.rank;
  }
  if (product(chain.shape) === 0) return floatReasons.empty;
  const multiplies = node.opType === "MatMul" || node.opType === "Gemm";
  return multiplies && summedLength(node, slot, chain.shape) === 1 ? floatReasons.outerProduct : undefined;
}

/** A constant bias: the third input, or for MatMul the vector that the one Add behind it adds. */
async function biasOf(
  { scope, model, readers }: Surroundings,
  node: NodeProto,
  slot: number,
  weight: WeightChain,
): Promise<Pick<WeightUse, "bias" | "biasChain" | "biasAdd"> | undefined> {
  if (node.opType !== "MatMul") {
    const bias = node.input[2] ?? "";
    const biasChain = bias === "" ? undefined : await traceConstant(scope, model.tensors, bias);
    return biasChain && isReadable(biasChain) ? { bias, biasChain } : undefined;
  }
  const product = node.output[0] ?? "";
  const add = readers && onlyReader(readers, product);
  if (slot !== 1 || readers === undefined || add === undefined || add.opType !== "Add" || !isStandard(add))
    return undefined;
  const at = add.input[0] === product ? 1 : 0;
  const bias = add.input[at] ?? "";
  const biasChain = bias === product ? undefined : await traceConstant(scope, model.tensors, bias);
  // Only a vector: a constant of more dimensions may change the shape of the sum.
  if (biasChain?.shape.length !== 1 || biasChain.shape[0] !== weight.shape.at(-1) || !isReadable(biasChain))
    return undefined;
  return { bias, biasChain, biasAdd: { node: add, index: readers.indexOf(add), slot: at } };
}

function isReadable(chain: WeightChain): boolean {
  return floatTypes.has(chain.elementType) && isNumeric(chain.tensor.dataType);
}

/** Integers that a table can hold quantized. */
const tableTypes: ReadonlySet<number> = new Set<number>([T.INT8, T.UINT8, T.INT4, T.UINT4, T.INT2, T.UINT2]);

/** Weights that are rows with a scale each. */
async function rows(around: Surroundings, node: NodeProto, index: number, path: string): Promise<Found[]> {
  const { model, scope, requantize } = around;
  if (isFolded(scope, node)) return [];
  const found: Found[] = [];
  for (const { slot, suffix } of rowWeights(node) ?? []) {
    const name = node.input[slot] ?? "";
    const chain = name === "" ? undefined : await traceConstant(scope, model.tensors, name);
    if (chain === undefined || chain.shape.length < 2) continue;
    // Single numbers, such as the scales of a table that is quantized already.
    if (product(chain.shape.slice(1)) === 1) continue;
    const use = { node, index, path, slot, bias: "" };
    const base = { opType: node.opType, path, chain, axis: 0, groups: 1, use, suffix };
    if (floatTypes.has(chain.elementType)) {
      const [directions = 1, outputs = 1, ...rest] = chain.shape;
      const shape = isRecurrent(node) ? { shape: [directions * outputs, ...rest] } : {};
      const storedBits = requantize ? undefined : dequantizedBits(chain);
      const reason =
        storedBits === undefined ? unfitRows(node, chain) : floatReasons.dequantized(node.opType, storedBits);
      found.push({ ...base, ...shape, ...(reason && { reason }), ...(storedBits !== undefined && { storedBits }) });
      continue;
    }
    // Integers are dequantized behind the lookup; small ones are part of a computation of shapes.
    if (!tableTypes.has(chain.elementType) || product(chain.shape) < minListedElements) continue;
    const bits = elementType(chain.tensor.dataType)?.bits;
    const reason = floatReasons.alreadyQuantized(node.opType, bits);
    found.push({ ...base, reason, ...(bits !== undefined && { storedBits: bits }) });
  }
  return found;
}

function unfitRows(node: NodeProto, { tensor, shape }: WeightChain): FloatReason | undefined {
  if (!isNumeric(tensor.dataType)) return floatReasons.storedAs(tensor.dataType);
  if (isRecurrent(node) && shape.length !== 3) return floatReasons.rank;
  const axis = normalizeAxis(intAttribute(node, "axis", 0), shape.length);
  if (axis !== 0) return floatReasons.lookupAxis(axis);
  if (product(shape) === 0) return floatReasons.empty;
  return product(shape.slice(isRecurrent(node) ? 2 : 1)) < minRowElements ? floatReasons.shortRows : undefined;
}

/** The same in every run: what it computes is a constant, not a value of the network. */
function isFolded(scope: Scope, node: NodeProto): boolean {
  return node.input.length > 0 && node.input.every((name) => name === "" || scope.isFixed(name));
}

async function listed({ model, scope }: Surroundings, node: NodeProto, index: number, path: string): Promise<Found[]> {
  if (isFolded(scope, node)) return [];
  const found: Found[] = [];
  for (const { slot, suffix, reason, certain, integers } of listedConstants(node)) {
    const name = node.input[slot] ?? "";
    const chain = name === "" ? undefined : await traceConstant(scope, model.tensors, name);
    if (chain === undefined || chain.shape.length < 2) continue;
    if (!certain && product(chain.shape) < minListedElements) continue;
    if (!integers && !floatTypes.has(chain.elementType)) continue;
    const use = { node, index, path, slot, bias: "" };
    const base = { opType: node.opType, path, chain, axis: 0, groups: 1, use, suffix };
    if (reason !== undefined) {
      found.push({ ...base, reason });
      continue;
    }
    const { bits, each } = integerWeightBits(node, elementType(chain.elementType)?.bits ?? 8);
    found.push({
      ...base,
      reason: floatReasons.alreadyQuantized(node.opType, bits),
      storedBits: bits,
      perElement: each,
    });
  }
  return found;
}
