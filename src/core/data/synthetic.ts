import type { Tensor, ValueInfo } from "../ports.ts";
import { type Batching, batchingOf, rangeAt } from "./batches.ts";
import { type Batch, checkStart, type Dataset } from "./dataset.ts";
import { isFloat, type NumericData, type NumericType, product, shapeText } from "./elements.ts";
import { dataError } from "./errors.ts";
import { type FixedInputs, filled, noFixedInputs } from "./fixedInputs.ts";
import { fillSample, newTensor } from "./syntheticValues.ts";

/** Elements of one sample of one input, or of one batch where its size is fixed: 256 Mi floats are 1 GiB, a thousand times a large photograph. */
const maxSampleElements = 2 ** 28;

/** A new number whenever the values made for a seed change: caches must not mix them. */
const version = 1;

/** An input with the dimensions of one sample: without the batch axis, unless a sample is the whole input. */
interface Made {
  readonly input: ValueInfo & { readonly type: NumericType };
  readonly dims: readonly number[];
  /** Of one sample, where they are given and not made up. */
  readonly values?: NumericData;
}

/**
 * Made-up samples in the types and shapes of a model's inputs, for when there are no real ones. A sample depends on the seed and
 * its number alone, so batches, subsets and longer sets agree.
 * @param shapes dimensions of every input with open ones assumed, by name
 * @param samples at least one batch is made where the model's batch is fixed
 * @param fixed values that are not made up
 * @throws SigmaQuantError SQ4050 for an input of text or of no known shape, SQ4051 for values that do not suit an input, SQ4035 when
 *   samples is not positive
 */
export function syntheticDataset(
  inputs: readonly ValueInfo[],
  shapes: ReadonlyMap<string, readonly number[]>,
  samples: number,
  seed: number,
  fixed: FixedInputs = noFixedInputs,
): Dataset {
  if (!Number.isInteger(samples) || samples < 1) {
    throw dataError("no-samples", `${samples} samples can't be made up`, "Ask for at least one.");
  }
  const batching = batchingOf(inputs);
  const made = inputs.map((input) => checked(input, shapes.get(input.name), batching, fixed));
  const count = batching.kind === "fixed" ? Math.max(samples, batching.size) : samples;
  const shown = made.map(({ input, dims }) => `${input.name}:${shapeText(dims, input.type)}`).join(",");
  const given = made.flatMap(({ input, values }) => (values ? [`${input.name}=${fixed[input.name]}`] : []));
  const hash = [`synthetic:${version}:${seed}:${count}:${batching.kind}:${shown}`, ...given].join(";");
  return new SyntheticDataset(
    made,
    batching,
    seed,
    Uint32Array.from({ length: count }, (_, index) => index),
    hash,
  );
}

function checked(input: ValueInfo, shape: readonly number[] | undefined, batching: Batching, fixed: FixedInputs): Made {
  const bad = (message: string) =>
    dataError("synthetic-input", message, "Give real samples: a .npz file with an array for each input.", {
      item: input.name,
    });
  const { type } = input;
  if (type === "unknown" || type === "string") {
    throw bad(
      `Samples can't be made up for the input ${input.name}: it takes ${type === "string" ? "text" : "no tensor"}`,
    );
  }
  if (shape === undefined) throw bad(`Samples can't be made up for the input ${input.name}: its shape is not known`);
  const dims = batching.kind === "whole" ? shape : shape.slice(1);
  // A fixed batch is made as a whole.
  if (product(dims) * (batching.kind === "fixed" ? batching.size : 1) > maxSampleElements) {
    throw bad(`Samples can't be made up for the input ${input.name}: one of ${shapeText(shape)} would fill the memory`);
  }
  const own = Object.hasOwn(fixed, input.name) ? fixed[input.name] : undefined;
  return { input: { ...input, type }, dims, ...(own && { values: filled(input, dims, own) }) };
}

class SyntheticDataset implements Dataset {
  readonly name = "made-up samples";
  readonly samples: number;
  readonly hasLabels = false;
  readonly synthetic = true;
  readonly hash: string;
  readonly notes: readonly string[];
  private readonly made: readonly Made[];
  private readonly batching: Batching;
  private readonly seed: number;
  /** Numbers of the samples, each the seed of its values. */
  private readonly numbers: Uint32Array;

  constructor(made: readonly Made[], batching: Batching, seed: number, numbers: Uint32Array, hash: string) {
    this.made = made;
    this.batching = batching;
    this.seed = seed;
    this.numbers = numbers;
    this.samples = numbers.length;
    this.hash = hash;
    this.notes = [
      "The samples are made up: what is measured with them ranks the layers and predicts no accuracy. Give real samples for that.",
      ...made.filter((each) => each.values === undefined && isSetting(each)).map(settingNote),
    ];
  }

  async batch(from: number, count: number, signal?: AbortSignal): Promise<Batch> {
    checkStart(this, from);
    const range = rangeAt(this.batching, this.samples, from, count);
    const numbers = this.numbers.subarray(range.from, range.from + range.count);
    const feeds: Record<string, Tensor> = {};
    for (const [index, { input, dims, values }] of this.made.entries()) {
      const rows = this.batching.kind === "whole" ? dims : [range.count, ...dims];
      const size = product(dims);
      const tensor = newTensor(input.type, rows);
      for (const [row, number] of numbers.entries()) {
        signal?.throwIfAborted();
        if (values) (tensor.data as { set(from: NumericData, at: number): void }).set(values, row * size);
        else fillSample(tensor, row * size, dims, input, [this.seed, index, number]);
      }
      feeds[input.name] = tensor;
    }
    const { repeated } = range;
    return { feeds, samples: range.count - repeated, ...(repeated > 0 && { repeated }) };
  }

  async labels(): Promise<undefined> {
    return undefined;
  }

  pick(indices: Uint32Array, tag: string): Dataset {
    const numbers = indices.map((index) => this.numbers[index] as number);
    return new SyntheticDataset(this.made, this.batching, this.seed, numbers, `${this.hash}/${tag}`);
  }

  async close(): Promise<void> {}
}

/** A single whole number or truth value: a rate, a length, a switch, of which any value but the right one may be wrong. */
function isSetting({ input, dims }: Made): boolean {
  return !isFloat(input.type) && product(dims) === 1 && !/mask/i.test(input.name);
}

function settingNote({ input }: Made): string {
  const value = input.type === "bool" ? "false" : "1";
  return `The input ${input.name} is taken as ${value}: give its value (--input ${input.name}=VALUE) if the model needs another.`;
}
