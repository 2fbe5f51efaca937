import type { Batch } from "../data/dataset.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { type CutInput, openPart, type Values } from "./floatCut.ts";
import { OutputComparison, type OutputKind } from "./outputs.ts";
import type { Measurement } from "./types.ts";

/** A batch whose samples may count more than once: see drawSamples. */
export interface SweepBatch extends Batch {
  /** For every row of the run. */
  readonly weights?: Float64Array;
}

export interface ReferenceInput extends CutInput {
  /** All samples, in batches; held in memory as the caller chose them. */
  readonly batches: readonly SweepBatch[];
  readonly outputKind: OutputKind;
}

/** The float network's outputs on all batches, which runs of a changed network are compared with. */
export class Reference {
  readonly names: readonly string[];
  private readonly float = new OutputComparison();

  private constructor(
    private readonly input: ReferenceInput,
    private readonly values: readonly Values[],
  ) {
    this.names = outputNames(input.model);
    for (const [i, outputs] of values.entries()) this.add(this.float, outputs, i);
  }

  /** Runs the float network once. @param onBatch is called before each batch */
  static async run(input: ReferenceInput, onBatch: () => void, signal?: AbortSignal): Promise<Reference> {
    const session = await openPart(input, input.model, inputNames(input.model), outputNames(input.model));
    try {
      const values: Values[] = [];
      for (const batch of input.batches) {
        signal?.throwIfAborted();
        onBatch();
        values.push(await session.run(batch.feeds));
      }
      return new Reference(input, values);
    } finally {
      await session.close();
    }
  }

  /** Adds one batch's outputs to a comparison. */
  add(comparison: OutputComparison, outputs: Values, batch: number): void {
    const { batches, outputKind } = this.input;
    const float = this.values[batch] ?? {};
    const { labels, weights } = batches[batch] ?? {};
    const pick = (values: Values) => this.names.flatMap((name) => (values[name] ? [values[name]] : []));
    comparison.add(outputKind, pick(outputs), pick(float), labels, weights);
  }

  /** What a comparison over all batches comes to. */
  measurementOf({ kl, nmse, loss }: OutputComparison): Measurement {
    return {
      nmse,
      ...(kl !== undefined && { kl }),
      ...(loss !== undefined && this.float.loss !== undefined && { loss: loss - this.float.loss }),
    };
  }
}

function outputNames(model: OnnxModel): readonly string[] {
  return model.graph.output.map((value) => value.name);
}

function inputNames(model: OnnxModel): readonly string[] {
  const constants = new Set(model.graph.initializer.map((t) => t.name));
  return model.graph.input.map((v) => v.name).filter((name) => !constants.has(name));
}
