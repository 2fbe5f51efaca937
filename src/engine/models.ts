import { stat } from "node:fs/promises";
import { modelInputs } from "../core/model/inputs.ts";
import { CandidateWeights, roundToNearest } from "../core/pipeline/candidates.ts";
import { type PreparedModel, prepareModel } from "../core/pipeline/prepare.ts";
import type { Inference, ValueInfo } from "../core/ports.ts";
import { analysisMemory } from "../node/memory.ts";
import { type ModelFile, openModelFile } from "../node/openModel.ts";
import type { ModelSource } from "./jobs.ts";

/** A model that is open in the engine, with the weights that were quantized so far. */
export interface EngineModel {
  readonly file: ModelFile;
  readonly prepared: PreparedModel;
  readonly inputs: readonly ValueInfo[];
  /** Rounded to the nearest: what is known of weights before there are samples. */
  readonly weights: CandidateWeights;
  /** Weights recovered with samples, from the last job that wanted them. */
  recovered?: { readonly key: string; readonly weights: CandidateWeights };
}

interface Entry {
  readonly key: string;
  readonly model: Promise<EngineModel & { readonly close: () => Promise<void> }>;
}

/** Opens a model once for all jobs of an engine, and again when the file or the dimensions asked for have changed. */
export class EngineModels {
  private entry: Entry | undefined;

  constructor(private readonly inference: Inference) {}

  async get(source: ModelSource): Promise<EngineModel> {
    const { mtimeMs, size } = await stat(source.path);
    const { path, dims, inputs, run, equalize, requantize = false, memory = 0 } = source;
    const key = JSON.stringify([path, dims, inputs, run, equalize, requantize, memory, mtimeMs, size]);
    if (this.entry?.key !== key) {
      await this.close();
      const model = this.open(source);
      this.entry = { key, model };
      // Not remembered: the next job tries again.
      model.catch(() => {
        if (this.entry?.model === model) this.entry = undefined;
      });
    }
    return (this.entry as Entry).model;
  }

  async close(): Promise<void> {
    const entry = this.entry;
    this.entry = undefined;
    await entry?.model.then(
      (model) => model.close(),
      () => undefined,
    );
  }

  private async open({ path, dims, inputs, run, equalize, requantize, memory }: ModelSource) {
    const file = await openModelFile(path);
    try {
      const { inference } = this;
      const prepared = await prepareModel(file.model, {
        path,
        dims,
        fixed: inputs,
        equalize,
        memory: analysisMemory(memory),
        ...(requantize && { requantize }),
        ...(run && { inference }),
      });
      const weights = new CandidateWeights(prepared, roundToNearest);
      return { file, prepared, inputs: modelInputs(file.model), weights, close: () => file.close() };
    } catch (error) {
      await file.close();
      throw error;
    }
  }
}
