import path from "node:path";
import { onTestFinished } from "vitest";
import { root } from "../../../scripts/lib/run.mjs";
import type { Batch, Dataset } from "../../../src/core/data/dataset.ts";
import { budgetsOf } from "../../../src/core/hardware/budgets.ts";
import type { Budgets, HardwareProfile } from "../../../src/core/hardware/profile.ts";
import { modelInputs } from "../../../src/core/model/inputs.ts";
import type { OnnxModel } from "../../../src/core/onnx/model.ts";
import { CandidateWeights, roundToNearest } from "../../../src/core/pipeline/candidates.ts";
import { type Decided, type DecideInput, decidePlan } from "../../../src/core/pipeline/decidePlan.ts";
import { DeviceFit, type DeviceFitInput } from "../../../src/core/pipeline/deviceFit.ts";
import { type PreparedModel, prepareModel } from "../../../src/core/pipeline/prepare.ts";
import type { RunSettings } from "../../../src/core/pipeline/settings.ts";
import type { Tensor } from "../../../src/core/ports.ts";
import { openDataset } from "../../../src/node/openData.ts";
import { openModelFile } from "../../../src/node/openModel.ts";
import { openSamples } from "../../../src/node/openSamples.ts";
import { loadProfile } from "../../../src/node/profiles.ts";
import { inference } from "../../support/ortRun.ts";

export const resnet8 = path.join(root, "test/fixtures/models/resnet8.onnx");
/** Residual network of 10 layers for the images of examples/. */
export interface Resnet8 {
  readonly prepared: PreparedModel;
  readonly weights: CandidateWeights;
  /** Labelled images of the training split; `from` the first of `count`. */
  images(from: number, count: number): Promise<Dataset>;
  synthetic(): Promise<Dataset>;
}

/** Opened for one test; files are closed when it ends. */
export async function openResnet8(): Promise<Resnet8> {
  const file = await openModelFile(resnet8);
  onTestFinished(() => file.close());
  const prepared = await prepareModel(file.model, { path: resnet8, inference });
  const inputs = modelInputs(file.model);
  return {
    prepared,
    weights: new CandidateWeights(prepared, roundToNearest),
    async images(from, count) {
      const all = await openDataset(path.join(root, "examples/calibration.npz"), inputs);
      onTestFinished(() => all.close());
      return all.pick(
        Uint32Array.from({ length: count }, (_, i) => from + i),
        `${from}+${count}`,
      );
    },
    synthetic: () => openSamples(undefined, inputs, prepared.shapes),
  };
}

export async function generic(): Promise<HardwareProfile> {
  return (await loadProfile("generic")).profile;
}

export async function fitOf(prepared: PreparedModel, more: Partial<DeviceFitInput> = {}): Promise<DeviceFit> {
  return new DeviceFit({ prepared, profile: await generic(), limits: {}, weightsOnly: false, ...more });
}

export function settings(more: Partial<RunSettings> = {}): RunSettings {
  return {
    strategy: "exact",
    weightsOnly: false,
    activationRange: "minmax",
    sensitivitySamples: 32,
    calibrationSamples: 32,
    batch: 32,
    threads: 1,
    recovery: new Set(),
    pins: new Map(),
    ...more,
  };
}

export interface DecideMore {
  readonly settings?: Partial<RunSettings>;
  readonly limits?: Budgets;
  readonly input?: Partial<DecideInput>;
}

/** Decides on resnet8 with 32 images (or those of `input`). */
export async function decide(
  model: Resnet8,
  { settings: own = {}, limits = {}, input = {} }: DecideMore = {},
): Promise<Decided> {
  const profile = input.profile ?? (await generic());
  return decidePlan(
    {
      prepared: model.prepared,
      modelName: "resnet8.onnx",
      modelHash: "0",
      profile,
      profileRef: "preset:generic",
      limits: budgetsOf(profile, limits),
      settings: settings(own),
      weights: model.weights,
      calibration: input.calibration ?? (await model.images(0, 32)),
      inference,
      ...input,
    },
    () => {},
  );
}

/** A model in memory, prepared. */
export function prepared(model: OnnxModel): Promise<PreparedModel> {
  return prepareModel(model, { inference });
}

/** Samples in memory: one feed a sample, whose first dimension is the batch. */
export function samplesOf(
  name: string,
  rows: readonly Float32Array[],
  dims: readonly number[],
  labels?: readonly number[],
): Dataset {
  const set: Dataset = {
    name: "memory",
    samples: rows.length,
    hasLabels: labels !== undefined,
    synthetic: false,
    hash: "memory",
    notes: [],
    async batch(from, count): Promise<Batch> {
      const taken = rows.slice(from, from + count);
      const size = dims.reduce((a, b) => a * b, 1);
      const data = new Float32Array(taken.length * size);
      for (const [i, row] of taken.entries()) data.set(row, i * size);
      const tensor: Tensor = { type: "float32", dims: [taken.length, ...dims], data };
      return {
        feeds: { [name]: tensor },
        samples: taken.length,
        ...(labels && { labels: Int32Array.from(labels.slice(from, from + count)) }),
      };
    },
    labels: async () => labels && Int32Array.from(labels),
    pick: () => set,
    close: async () => {},
  };
  return set;
}
