import { solveJointBits } from "../allocate/jointBits.ts";
import type { Dataset } from "../data/dataset.ts";
import { layerCost } from "../hardware/cost.ts";
import type { ActivationBits } from "../hardware/profile.ts";
import type { Inference, OnProgress } from "../ports.ts";
import type { ActivationMap, ActivationQuantization } from "../qdq/types.ts";
import type { ActivationRange } from "../quant/activation.ts";
import { measureActivations } from "../sensitivity/activationSweep.ts";
import type { Measurement } from "../sensitivity/types.ts";
import { unmeasurable } from "./analysis.ts";
import { activationQuantizations, type Calibration } from "./calibrate.ts";
import type { DeviceFit } from "./deviceFit.ts";
import { elementTypeOf } from "./elementTypes.ts";
import { affordableSamples, largestCutBytes } from "./heldMemory.ts";
import type { LossOf } from "./loss.ts";
import { inputsOfLayers } from "./prepare.ts";
import { drawnCount, mostStoodFor, sweepBatches } from "./sweepSamples.ts";

export interface MixActivationsInput {
  /** With all activations at the usual bits. */
  readonly fit: DeviceFit;
  readonly activations: ActivationMap;
  readonly range: ActivationRange;
  /** Values of the activations on calibration samples. */
  readonly observed: Calibration;
  /** Of the weights, measured in the same metric. */
  readonly loss: LossOf;
  readonly calibration: Dataset;
  readonly inference: Inference;
  readonly sensitivitySamples: number;
  readonly batch: number;
  readonly threads?: number;
}

export interface MixedActivations {
  readonly fit: DeviceFit;
  readonly activations: ActivationMap;
  readonly notes: readonly string[];
}

/**
 * Bits of every activation that a layer reads, out of those that the device has: measures the harm of each alone, and solves
 * for them and the weights' bits together within the limits on latency, energy and bit operations. What else is quantized
 * keeps the usual bits. Where there is nothing to choose, or no such limit, all is left as it is, with a note.
 */
export async function mixActivations(
  input: MixActivationsInput,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<MixedActivations> {
  const { fit, activations } = input;
  const usual = fit.activationBits;
  const hindrance = hindranceOf(fit);
  if (hindrance !== undefined || usual === null) {
    return { fit, activations, notes: hindrance === undefined ? [] : [`Activation bits are not mixed: ${hindrance}`] };
  }
  const choices = fit.input.profile.activationBits;
  const grids = gridsOf(input, choices);
  const harms = await harmsOf(input, grids, onProgress, signal);
  const solve = (bits: readonly ActivationBits[]): DeviceFit => {
    const { profile } = fit.input;
    const { limited, limits, layers, groups, fixed } = fit.table;
    const byName = new Map(layers.map((layer) => [layer.name, layer]));
    const reads = [...inputsOfLayers(fit.input.prepared)].map(
      ([layer, values]) => [layer, values.filter((value) => harms.has(value))] as const,
    );
    const found = solveJointBits(
      {
        groups,
        fixed,
        reads: new Map(reads),
        activationBits: bits,
        usual,
        loss: input.loss,
        activationLoss: (value, b) => harms.get(value)?.get(b) ?? 0,
        costs: (name, weights, b) => {
          const layer = byName.get(name);
          const cost = layer && layerCost(layer, weights, b, profile);
          return limited.map((resource) => cost?.[resource] ?? 0);
        },
        limits: limited.map((resource) => limits[resource] ?? Number.POSITIVE_INFINITY),
      },
      signal,
    );
    return fit.withActivations(found.activations);
  };
  const mixed = solve(choices);
  // The peak of the activations is no sum that the solver could limit; wider ones than the usual are given up for it.
  const chosen = fitsMemory(mixed) || choices[0] === usual ? mixed : solve(choices.filter((bits) => bits <= usual));
  const result = fitsMemory(chosen) ? chosen : fit;
  return { fit: result, activations: gridsAt(input, grids, result.input.activationBits ?? new Map()), notes: [] };
}

/** The same with activation bits that are decided already. @param bits by activation; the others keep the usual bits */
export function withActivationBits(
  input: Pick<MixActivationsInput, "fit" | "activations" | "range" | "observed">,
  bits: ReadonlyMap<string, ActivationBits>,
): MixedActivations {
  const grids = gridsOf(input, [...new Set(bits.values())]);
  return { fit: input.fit.withActivations(bits), activations: gridsAt(input, grids, bits), notes: [] };
}

function hindranceOf(fit: DeviceFit): string | undefined {
  const { profile, prepared } = fit.input;
  if (fit.activationBits === null) return "activations stay in float";
  if (profile.activationBits.length < 2) return `the device has ${profile.activationBits.join()} bits alone`;
  if (!fit.table.limited.some((name) => name !== "weightMemory")) {
    return "there is no budget for latency, energy or bit operations that the profile has the figures for";
  }
  return unmeasurable(prepared);
}

function fitsMemory(fit: DeviceFit): boolean {
  const widest = fit.table.withFixed((group) => group.bits.at(-1) as (typeof group.bits)[number]);
  const peak = fit.budgets(widest).find(({ name }) => name === "activationMemory");
  return peak?.limit === undefined || peak.use === undefined || peak.use <= peak.limit;
}

/** Scales and zero points by activation and bits. */
type Grids = ReadonlyMap<string, ReadonlyMap<ActivationBits, ActivationQuantization>>;

function gridsOf(
  { activations, range, observed }: Pick<MixActivationsInput, "activations" | "range" | "observed">,
  choices: readonly ActivationBits[],
): Grids {
  const names = [...activations.keys()];
  const byBits = choices.map((bits) => activationQuantizations(observed, names, bits, range));
  return new Map(
    [...activations].map(([name, usual]) => {
      const own = byBits.flatMap((grids) => grids.get(name) ?? []).map((grid) => [grid.bits, grid] as const);
      return [name, new Map([...own, [usual.bits, usual] as const])];
    }),
  );
}

function gridsAt(
  { activations }: Pick<MixActivationsInput, "activations">,
  grids: Grids,
  bits: ReadonlyMap<string, ActivationBits>,
): ActivationMap {
  return new Map(
    [...activations].map(([name, usual]) => [name, grids.get(name)?.get(bits.get(name) ?? usual.bits) ?? usual]),
  );
}

/** Harm by activation and bits, of those that layers read. */
async function harmsOf(
  { fit, calibration, inference, sensitivitySamples, batch, threads }: MixActivationsInput,
  grids: Grids,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, ReadonlyMap<ActivationBits, number>>> {
  const { prepared } = fit.input;
  const { model, outputKind } = prepared;
  const wanted = Math.min(sensitivitySamples, calibration.samples);
  const cuts = [...model.graph.node.keys()];
  const held = affordableSamples(prepared, drawnCount(wanted), largestCutBytes(prepared, cuts));
  const samples = Math.min(wanted, mostStoodFor(held));
  const running = { inference, batch, ...(threads !== undefined && { threads }) };
  const read = new Set([...inputsOfLayers(prepared).values()].flat());
  const measured = await measureActivations(
    {
      model,
      outputKind,
      elementTypes: elementTypeOf(prepared.types),
      batches: await sweepBatches(prepared, calibration, samples, running, onProgress, signal),
      grids: new Map([...grids].flatMap(([name, own]) => (read.has(name) ? [[name, [...own.values()]]] : []))),
      ...running,
    },
    onProgress,
    signal,
  );
  const harm = ({ kl, nmse }: Measurement) => (outputKind === "values" ? nmse : (kl ?? nmse));
  return new Map(
    [...measured].map(([value, row]) => [value, new Map([...row].map(([bits, each]) => [bits, harm(each)] as const))]),
  );
}
