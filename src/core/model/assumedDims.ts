import type { GraphProto, TypeProto_Tensor, ValueInfoProto } from "onnx-buf";

/** A dimension that the model leaves open, and the value all figures assume for it. */
export interface AssumedDim {
  readonly input: string;
  readonly axis: number;
  /** Its symbolic name, "" without one. */
  readonly name: string;
  readonly value: number;
}

/**
 * Defaults for open dimensions; shown to the user as assumed, changed by --dim. Our choice: one sample, the size that image
 * classifiers are trained on, three colours, a short text.
 */
const defaultDims = { batch: 1, channels: 3, image: 224, sequence: 128, other: 1 } as const;

/**
 * Gives every open dimension of the graph's real inputs a value, and with it the same symbol wherever the graph declares
 * values. Changes the graph.
 * @param dims values by symbolic name, or by `input.axis` (which goes before)
 */
export function fixDims(graph: GraphProto, dims: Readonly<Record<string, number>>): AssumedDim[] {
  const constants = new Set(graph.initializer.map((t) => t.name));
  const bySymbol = new Map<string, number>();
  const assumed: AssumedDim[] = [];
  for (const input of graph.input) {
    const shape = tensorType(input)?.shape;
    if (constants.has(input.name) || shape === undefined) continue;
    const declared = shape.dim.map((d) => (isFixed(d.value) ? Number(d.value.value) : undefined));
    for (const [axis, dim] of shape.dim.entries()) {
      if (isFixed(dim.value)) continue;
      const name = dim.value.case === "dimParam" ? dim.value.value : "";
      const value =
        own(dims, `${input.name}.${axis}`) ??
        (name === "" ? undefined : (own(dims, name) ?? bySymbol.get(name))) ??
        defaultDim(name, axis, declared);
      if (name !== "" && !bySymbol.has(name)) bySymbol.set(name, value);
      assumed.push({ input: input.name, axis, name, value });
      dim.value = { case: "dimValue", value: BigInt(value) };
    }
  }
  for (const value of [...graph.valueInfo, ...graph.output]) {
    for (const dim of tensorType(value)?.shape?.dim ?? []) {
      const known = dim.value.case === "dimParam" ? bySymbol.get(dim.value.value) : undefined;
      if (known !== undefined) dim.value = { case: "dimValue", value: BigInt(known) };
    }
  }
  return assumed;
}

type DimValue = NonNullable<TypeProto_Tensor["shape"]>["dim"][number]["value"];

/** Some exporters write 0 or -1 where they mean "any". */
function isFixed(dim: DimValue): boolean {
  return dim.case === "dimValue" && dim.value > 0n;
}

function own(dims: Readonly<Record<string, number>>, name: string): number | undefined {
  return Object.hasOwn(dims, name) ? dims[name] : undefined;
}

/** By the dimension's name, else by its place: [batch, sequence, ...], [batch, channels, height, width] or the channels last. */
function defaultDim(name: string, axis: number, shape: readonly (number | undefined)[]): number {
  const rank = shape.length;
  if (/batch|^n$|^b$/i.test(name)) return defaultDims.batch;
  if (/height|width|^h$|^w$/i.test(name)) return defaultDims.image;
  if (/channel|^c$/i.test(name)) return defaultDims.channels;
  if (/past/i.test(name)) return defaultDims.other;
  if (/seq|len|time|token|frame|^t$|^s$|^l$/i.test(name)) return defaultDims.sequence;
  if (axis === 0) return defaultDims.batch;
  if (rank === 4) {
    const channelsLast = (shape[3] ?? Number.POSITIVE_INFINITY) <= 4 && (shape[1] === undefined || shape[1] > 4);
    return axis === (channelsLast ? 3 : 1) ? defaultDims.channels : defaultDims.image;
  }
  // [layers, batch, hidden]: the state of a recurrent network.
  if (rank === 3 && axis === 1 && (shape[0] ?? 0) > 1) return defaultDims.batch;
  return rank <= 3 && axis === 1 ? defaultDims.sequence : defaultDims.other;
}

/** Shapes that a graph declares in full, by value name. */
export function declaredShapes(graph: GraphProto): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>();
  for (const value of [...graph.input, ...graph.valueInfo, ...graph.output]) {
    const dims = tensorType(value)?.shape?.dim;
    if (dims?.every((d) => isFixed(d.value)))
      shapes.set(
        value.name,
        dims.map((d) => Number(d.value.value)),
      );
  }
  return shapes;
}

export function tensorType(value: ValueInfoProto): TypeProto_Tensor | undefined {
  return value.type?.value.case === "tensorType" ? value.type.value.value : undefined;
}
