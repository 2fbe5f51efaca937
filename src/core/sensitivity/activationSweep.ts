import type { ActivationBits } from "../hardware/profile.ts";
import type { OnProgress } from "../ports.ts";
import type { ActivationQuantization } from "../qdq/types.ts";
import { highestUnsigned } from "../quant/affineGrid.ts";
import { roundHalfEven } from "../quant/integerGrid.ts";
import { FloatCut, feedsOf, type Values } from "./floatCut.ts";
import { OutputComparison } from "./outputs.ts";
import { Reference, type ReferenceInput } from "./reference.ts";
import type { Measurement } from "./types.ts";

export interface ActivationSweepInput extends ReferenceInput {
  /** The grids to try, by the name of the value. */
  readonly grids: ReadonlyMap<string, readonly ActivationQuantization[]>;
}

/**
 * Measures what quantizing each activation alone does to the network's output. As for weights, only the part behind is
 * run: the kept float activation at the cut is quantized and dequantized, and all that read it get the result. Values that are not
 * float32, or that nothing behind reads, are left out. Memory: the activations alive at one cut, for all samples.
 */
export async function measureActivations(
  input: ActivationSweepInput,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, ReadonlyMap<ActivationBits, Measurement>>> {
  const { graph } = input.model;
  const made = new Map(graph.node.flatMap((node, i) => node.output.map((name) => [name, i + 1] as const)));
  const names = [...input.grids.keys()].sort((a, b) => (made.get(a) ?? 0) - (made.get(b) ?? 0));
  const results = new Map<string, ReadonlyMap<ActivationBits, Measurement>>();
  if (names.length === 0) return results;
  const reference = await Reference.run(input, () => {}, signal);
  const cut = new FloatCut(
    input,
    input.batches.map((batch) => batch.feeds),
  );
  for (const [done, name] of names.entries()) {
    signal?.throwIfAborted();
    onProgress({ stage: "Activations", done, total: names.length, note: name });
    await cut.moveTo(made.get(name) ?? 0, signal);
    if (!input.batches.every((_, i) => cut.valuesOf(i)[name]?.data instanceof Float32Array)) continue;
    const session = await cut.openRest(reference.names);
    try {
      const row = new Map<ActivationBits, Measurement>();
      for (const grid of input.grids.get(name) ?? []) {
        const comparison = new OutputComparison();
        for (const i of input.batches.keys()) {
          signal?.throwIfAborted();
          const values = withQuantized(cut.valuesOf(i), name, grid);
          reference.add(comparison, await session.run(feedsOf(session, values)), i);
        }
        row.set(grid.bits, reference.measurementOf(comparison));
      }
      results.set(name, row);
    } finally {
      await session.close();
    }
  }
  return results;
}

function withQuantized(values: Values, name: string, grid: ActivationQuantization): Values {
  const tensor = values[name];
  if (tensor === undefined || !(tensor.data instanceof Float32Array)) return values;
  return { ...values, [name]: { ...tensor, data: tensor.data.map((x) => onGrid(x, grid)) } };
}

/** QuantizeLinear and DequantizeLinear of one number, as ONNX has them. */
function onGrid(x: number, { scale, zeroPoint, bits }: ActivationQuantization): number {
  const q = Math.min(highestUnsigned(bits), Math.max(0, roundHalfEven(x / scale) + zeroPoint));
  return (q - zeroPoint) * scale;
}
