import type { Batch, Dataset } from "../../src/core/data/dataset.ts";
import type { Bits } from "../../src/core/hardware/profile.ts";
import { type LayerSite, quantizableSites } from "../../src/core/model/discover.ts";
import type { CandidateWeights } from "../../src/core/pipeline/candidates.ts";
import { elementTypeOf } from "../../src/core/pipeline/elementTypes.ts";
import type { PreparedModel } from "../../src/core/pipeline/prepare.ts";
import type { Inference, InferenceSession, Tensor } from "../../src/core/ports.ts";
import { type CutInput, FloatCut, openPart, type Values } from "../../src/core/sensitivity/floatCut.ts";
import { OutputComparison } from "../../src/core/sensitivity/outputs.ts";

/** What a sweep is made of: one network, its samples and its weights at every bitwidth. */
export interface Subject {
  readonly prepared: PreparedModel;
  readonly dataset: Dataset;
  readonly weights: CandidateWeights;
  readonly inference: Inference;
  readonly bits: readonly Bits[];
  readonly batch: number;
  readonly threads?: number;
}

/** Harm by layer and bits: KL for classifiers, else error energy over signal energy. */
export type Table = ReadonlyMap<string, ReadonlyMap<Bits, number>>;

export type Method = (subject: Subject) => Promise<Table>;

export const quiet = () => {};

export function cutInput({ prepared, inference, threads }: Subject): CutInput {
  const elementTypes = elementTypeOf(prepared.types);
  return { model: prepared.model, inference, elementTypes, ...(threads !== undefined && { threads }) };
}

export function outputNames({ prepared }: Subject): readonly string[] {
  return prepared.model.graph.output.map((value) => value.name);
}

export function sitesOf({ prepared }: Subject): readonly LayerSite[] {
  return quantizableSites(prepared.discovery).toSorted((a, b) => firstUse(a) - firstUse(b));
}

export function firstUse(site: LayerSite): number {
  return Math.min(...site.uses.map((use) => use.index));
}

export async function batchesOf(dataset: Dataset, samples: number, size: number): Promise<readonly Batch[]> {
  const batches: Batch[] = [];
  for (let done = 0; done < samples; ) {
    const batch = await dataset.batch(done, Math.min(size, samples - done));
    batches.push(batch);
    done += batch.samples;
  }
  return batches;
}

/** The float network's outputs, by batch. */
export async function floatOutputs(subject: Subject, batches: readonly Batch[]): Promise<readonly Values[]> {
  const { graph } = subject.prepared.model;
  const constants = new Set(graph.initializer.map((t) => t.name));
  const inputs = graph.input.map((v) => v.name).filter((name) => !constants.has(name));
  const session = await openPart(cutInput(subject), subject.prepared.model, inputs, outputNames(subject));
  try {
    const outputs: Values[] = [];
    for (const { feeds } of batches) outputs.push(await session.run(feeds));
    return outputs;
  } finally {
    await session.close();
  }
}

export function tensorsOf(values: Values | undefined, names: readonly string[]): Tensor[] {
  return names.flatMap((name) => (values?.[name] ? [values[name]] : []));
}

/** The harm that one run did, beside those before it in the same comparison. */
export class Harm {
  private readonly comparison = new OutputComparison();

  constructor(private readonly subject: Subject) {}

  add(out: Values, reference: Values | undefined): void {
    const names = outputNames(this.subject);
    const { outputKind } = this.subject.prepared;
    this.comparison.add(outputKind, tensorsOf(out, names), tensorsOf(reference, names));
  }

  get value(): number {
    return this.subject.prepared.outputKind === "values" ? this.comparison.nmse : (this.comparison.kl ?? 0);
  }
}

/** Goes through the layers front to back with a cut in front of each. */
export async function forEachLayer(
  subject: Subject,
  batches: readonly Batch[],
  body: (site: LayerSite, cut: FloatCut) => Promise<ReadonlyMap<Bits, number>>,
): Promise<Table> {
  const cut = new FloatCut(
    cutInput(subject),
    batches.map(({ feeds }) => feeds),
  );
  const table = new Map<string, ReadonlyMap<Bits, number>>();
  for (const site of sitesOf(subject)) {
    await cut.moveTo(firstUse(site));
    table.set(site.layer.name, await body(site, cut));
  }
  return table;
}

export async function closing<T>(
  session: InferenceSession,
  body: (session: InferenceSession) => Promise<T>,
): Promise<T> {
  try {
    return await body(session);
  } finally {
    await session.close();
  }
}
