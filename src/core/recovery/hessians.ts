import type { Dataset } from "../data/dataset.ts";
import { type Random, random } from "../data/random.ts";
import { type LayerSite, quantizableSites, type WeightUse } from "../model/discover.ts";
import { calibrate, type InputObserver } from "../pipeline/calibrate.ts";
import { memoryFor } from "../pipeline/heldMemory.ts";
import type { PreparedModel } from "../pipeline/prepare.ts";
import type { Inference, OnProgress, Tensor } from "../ports.ts";
import { GramProducts } from "./gram.ts";
import { blockColumns, MomentSums, type Moments, momentsAreFinite } from "./moments.ts";
import { floatsOf, patchCount, planPatches, readInputs } from "./patches.ts";
import { type RowLayout, rowLayout } from "./rowLayout.ts";

/** Moments of layers' inputs over a calibration set, by layer name. */
export type HessianStore = ReadonlyMap<string, Moments>;

const float32Bytes = 4;
const float64Bytes = 8;

/** A layer whose input is observed. */
interface Observed {
  readonly site: LayerSite;
  readonly layout: RowLayout;
  readonly block: number;
}

/** Adds up moments of layers' inputs while the float model runs. */
class MomentObserver implements InputObserver {
  readonly layers: ReadonlySet<string>;
  private readonly sums = new Map<string, { site: LayerSite; sums: MomentSums; random: Random }>();

  constructor(
    layers: readonly Observed[],
    private readonly gram: GramProducts,
    seed: number,
  ) {
    for (const [index, { site, layout, block }] of layers.entries()) {
      this.sums.set(site.layer.name, { site, sums: new MomentSums(layout, block), random: random(seed, index) });
    }
    this.layers = new Set(this.sums.keys());
  }

  async add(layer: string, input: Tensor, use: WeightUse): Promise<void> {
    const found = this.sums.get(layer);
    if (found === undefined) return;
    const { site, sums, random: generator } = found;
    const kernel = site.layer.weightShape.slice(2);
    const plan = planPatches(use, sums.layout, kernel, input.dims, generator);
    const values = floatsOf(input);
    if (plan && values) await sums.add(this.gram, readInputs(plan, values), patchCount(plan));
  }

  /** Layers that something was seen of; the others are rounded to the nearest. */
  found(): (readonly [string, Moments])[] {
    return [...this.sums]
      .map(([name, { sums }]) => [name, sums.moments()] as const)
      .filter(([, moments]) => moments.count > 0 && momentsAreFinite(moments));
  }
}

export interface HessianOptions {
  readonly samples: number;
  readonly batch: number;
  readonly threads?: number;
  /** Of the positions that are looked at. */
  readonly seed?: number;
}

const defaultSeed = 1;

/**
 * Runs the float model over calibration samples and gives the moments of every layer's input. Layers whose operator's form is not
 * read (see rowLayout, readPatches) are left out. Memory: bounded, see memoryFor.
 */
export async function collectHessians(
  prepared: PreparedModel,
  dataset: Dataset,
  inference: Inference,
  options: HessianOptions,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<HessianStore> {
  const { seed = defaultSeed, ...running } = options;
  const store = new Map<string, Moments>();
  const gram = await GramProducts.open(inference, running.threads, signal);
  try {
    for (const layers of passes(observedLayers(prepared), memoryFor("sums", prepared))) {
      const observer = new MomentObserver(layers, gram, seed);
      await calibrate(prepared, dataset, inference, { ...running, names: [], inputs: [observer] }, onProgress, signal);
      for (const [name, moments] of observer.found()) store.set(name, moments);
    }
  } finally {
    await gram.close();
  }
  return store;
}

/** Layers with blocks of a size that all of them fit into the store. */
function observedLayers(prepared: PreparedModel): Observed[] {
  const most = memoryFor("moments", prepared);
  const layouts = quantizableSites(prepared.discovery).flatMap((site) => {
    const layout = rowLayout(site);
    return layout ? [{ site, layout }] : [];
  });
  for (let limit = largestBlock; ; limit = Math.floor(limit / 2)) {
    const layers = layouts.map(({ site, layout }) => ({ site, layout, block: blockColumns(layout, limit) }));
    const elements = layers.reduce((sum, { layout, block }) => sum + matrixElements(layout, block), 0);
    if (elements * float32Bytes <= most || limit === 1) return layers;
  }
}

/** Halved until matrices fit. */
const largestBlock = 1024;

/** Columns of the largest blocks of a layer whose sums fit into so many bytes, or of the smallest that there are. */
export function blockWithin(layout: RowLayout, bytes: number): number {
  for (let limit = largestBlock; ; limit = Math.floor(limit / 2)) {
    const block = blockColumns(layout, limit);
    if (matrixElements(layout, block) * float64Bytes <= bytes || limit === 1) return block;
  }
}

/** Layers in portions whose sums fit into memory together; each takes a pass over the samples. */
function passes(layers: readonly Observed[], most: number): Observed[][] {
  const result: Observed[][] = [];
  let room = 0;
  for (const layer of layers) {
    const bytes = matrixElements(layer.layout, layer.block) * float64Bytes;
    if (result.length === 0 || bytes > room) {
      result.push([]);
      room = most;
    }
    result.at(-1)?.push(layer);
    room -= bytes;
  }
  return result;
}

function matrixElements({ groups, columns }: RowLayout, block: number): number {
  return groups * Math.ceil(columns / block) * block ** 2;
}
