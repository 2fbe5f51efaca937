import type { Tensor, ValueInfo } from "../ports.ts";
import { memoryArrays } from "./arrays.ts";
import { batchingOf } from "./batches.ts";
import { type Batch, checkStart, type Dataset, type DatasetOptions, openDataset } from "./dataset.ts";
import { concatRows, shapeText } from "./elements.ts";
import { dataError } from "./errors.ts";
import { countedInputs } from "./fixedInputs.ts";
import type { NamedTensor } from "./tensorProto.ts";

/** One `test_data_set_<n>` folder: a run's inputs in the order of the graph's. The outputs beside them are not used. */
export interface TestDataSet {
  readonly name: string;
  readonly inputs: readonly NamedTensor[];
}

/**
 * ONNX test-data folders as a set. Each folder is a run. Where every tensor is one batch of the model, and all have the
 * same shape, they are joined along the batch axis and can run together; else each runs as it is.
 * @throws SigmaQuantError SQ4040 (number of inputs), SQ4031, SQ4032
 */
export async function openTestData(
  sets: readonly TestDataSet[],
  inputs: readonly ValueInfo[],
  options: DatasetOptions & { readonly name: string },
): Promise<Dataset> {
  if (sets.length === 0) {
    throw dataError(
      "test-data",
      "There is no test_data_set folder",
      "Give a folder with input_0.pb, or with such folders.",
      {
        file: options.name,
      },
    );
  }
  const fed = inputs.filter(({ name }) => !options.fixed?.has(name));
  // Values that are given may take the place of files, or be for inputs without one.
  const runs = sets.map((set) => feedsOf(set, set.inputs.length === inputs.length ? inputs : fed));
  const [first = {}] = runs;
  const batching = batchingOf(countedInputs(inputs, (name) => options.fixed?.has(name) ?? false));
  const rows = batching.kind === "fixed" ? batching.size : 1;
  const joins = fed.every(({ name }) => {
    const own = runs.map((run) => run[name]);
    return own.every(
      (tensor) =>
        tensor !== undefined &&
        tensor.dims[0] === rows &&
        tensor.type === first[name]?.type &&
        shapeText(tensor.dims) === shapeText(first[name]?.dims ?? []),
    );
  });
  if (joins && batching.kind !== "whole") {
    const joined = Object.fromEntries(
      fed.map(({ name }) => [name, concatRows(runs.flatMap((run) => run[name] ?? []))] as const),
    );
    return openDataset(memoryArrays(joined, options.name), inputs, options);
  }
  const parts: Dataset[] = [];
  for (const run of runs) parts.push(await openDataset(wholeRun(run, options.name), inputs, options));
  return new RunsDataset(options.name, parts, options.hash, options.synthetic ?? false);
}

/** A run's tensors, each as the only sample of its array: [1, ...dims]. */
function wholeRun(run: Readonly<Record<string, Tensor>>, name: string) {
  const stacked = Object.entries(run).map(
    ([input, tensor]) => [input, { ...tensor, dims: [1, ...tensor.dims] }] as const,
  );
  return memoryArrays(Object.fromEntries(stacked), name);
}

/** By name where the tensors carry the inputs' names, else by order. */
function feedsOf(set: TestDataSet, inputs: readonly ValueInfo[]): Readonly<Record<string, Tensor>> {
  const byName = new Map(set.inputs.map(({ name, tensor }) => [name, tensor]));
  if (inputs.every(({ name }) => byName.has(name))) {
    return Object.fromEntries(inputs.flatMap(({ name }) => [[name, byName.get(name) as Tensor] as const]));
  }
  if (set.inputs.length !== inputs.length) {
    const message = `The folder has ${set.inputs.length} input files, but the model has ${inputs.length} inputs`;
    const list = inputs.map(({ name }, index) => `input_${index}.pb for ${name}`).join(", ");
    throw dataError("test-data", message, `Give ${list}.`, { file: set.name });
  }
  return Object.fromEntries(inputs.map(({ name }, index) => [name, set.inputs[index]?.tensor as Tensor] as const));
}

/** Runs of different shapes, one sample each. */
class RunsDataset implements Dataset {
  readonly name: string;
  readonly samples: number;
  readonly hasLabels = false;
  readonly synthetic: boolean;
  readonly hash: string;
  readonly notes: readonly string[];
  private readonly runs: readonly Dataset[];

  constructor(name: string, runs: readonly Dataset[], hash: string, synthetic: boolean) {
    this.name = name;
    this.runs = runs;
    this.samples = runs.length;
    this.hash = hash;
    this.synthetic = synthetic;
    this.notes = [...new Set(runs.flatMap((run) => run.notes))];
  }

  async batch(from: number, _count: number, signal?: AbortSignal): Promise<Batch> {
    checkStart(this, from);
    const run = this.runs[from] as Dataset;
    return run.batch(0, 1, signal);
  }

  async labels(): Promise<undefined> {
    return undefined;
  }

  pick(indices: Uint32Array, tag: string): Dataset {
    const runs = Array.from(indices, (index) => this.runs[index] as Dataset);
    return new RunsDataset(this.name, runs, `${this.hash}/${tag}`, this.synthetic);
  }

  async close(): Promise<void> {
    for (const run of this.runs) await run.close();
  }
}
