import { CostTable } from "../allocate/costTable.ts";
import { defaultActivationBits, deviceFloatReason } from "../hardware/allowedBits.ts";
import { budgetUses } from "../hardware/budgets.ts";
import { layerCost } from "../hardware/cost.ts";
import type { ActivationBits, Bits, Budgets, HardwareProfile } from "../hardware/profile.ts";
import { quantizableSites } from "../model/discover.ts";
import { residualGroups } from "../model/residual.ts";
import type { BudgetUse, PlanLayer } from "../plan/types.ts";
import type { SensitivityTable, WeightStatistics } from "../sensitivity/types.ts";
import { withBlocks } from "./blocks.ts";
import { activationMemory, inputsOfLayers, type PreparedModel } from "./prepare.ts";

export interface DeviceFitInput {
  readonly prepared: PreparedModel;
  readonly profile: HardwareProfile;
  /** `budgetsOf(profile, overrides)`. */
  readonly limits: Budgets;
  readonly candidates?: readonly Bits[];
  readonly pins?: ReadonlyMap<string, Bits | null>;
  /** See RunSettings. */
  readonly skipped?: ReadonlySet<string>;
  readonly weightsOnly: boolean;
  /** Bits of the activations that have others than the usual ones, by name of the value. */
  readonly activationBits?: ReadonlyMap<string, ActivationBits>;
}

/**
 * One model on one device: what any choice of bits costs there, in the terms of budgets and plan rows. Constants that
 * belong to no layer (normalization, tables) take weight memory whatever the bits.
 */
export class DeviceFit {
  /** With the device's blocks. */
  readonly input: DeviceFitInput;
  readonly table: CostTable;
  /** Bits of activations that have none of their own; null = activations stay in float. */
  readonly activationBits: ActivationBits | null;
  /** Bits that a layer computes in, where its activations have bits of their own. */
  private readonly ownBits: ReadonlyMap<string, ActivationBits>;
  /** Bytes of the constants that belong to no layer. */
  readonly otherBytes: number;

  /** @throws SigmaQuantError as CostTable */
  constructor(given: DeviceFitInput) {
    const input = { ...given, prepared: withBlocks(given.prepared, given.profile.blockSize) };
    this.input = input;
    const { prepared, profile, limits, weightsOnly } = input;
    this.activationBits = weightsOnly ? null : defaultActivationBits(profile);
    this.ownBits = layerBits(prepared, this.activationBits, input.activationBits);
    this.otherBytes = prepared.discovery.otherConstantBytes;
    const residual = profile.sharedBits.residual
      ? residualGroups(prepared.model.graph, quantizableSites(prepared.discovery))
      : [];
    this.table = new CostTable({
      layers: prepared.discovery.layers,
      profile,
      limits: {
        ...limits,
        ...(limits.weightMemory !== undefined && { weightMemory: Math.max(0, limits.weightMemory - this.otherBytes) }),
      },
      ...(input.candidates && { candidates: input.candidates }),
      pins: new Map([...skippedPins(input), ...(input.pins ?? [])]),
      activationBits: this.activationBits,
      ownActivationBits: this.ownBits,
      sharing: [...profile.sharedBits.groups, ...residual],
    });
  }

  /** Bits that a layer may get, ascending; its pin alone where it is pinned, none where it stays in float. */
  bitsOf(layer: string): readonly Bits[] {
    const pin = this.table.fixed.get(layer);
    if (pin !== undefined) return pin === null ? [] : [pin];
    return this.table.groups.find((group) => group.layers.includes(layer))?.bits ?? [];
  }

  /** The same model and device under other limits. */
  withLimits(limits: Budgets): DeviceFit {
    return new DeviceFit({ ...this.input, limits });
  }

  /** The same under the same limits, with these bits of activations. */
  withActivations(activationBits: ReadonlyMap<string, ActivationBits>): DeviceFit {
    return new DeviceFit({ ...this.input, activationBits });
  }

  /** Bits of what a quantized layer reads; null = in float. */
  activationBitsOf(layer: string): ActivationBits | null {
    return this.ownBits.get(layer) ?? this.activationBits;
  }

  /** Use of every budget by a plan, limited or not. */
  budgets(bits: ReadonlyMap<string, Bits | null>): readonly BudgetUse[] {
    const { prepared, limits } = this.input;
    const cost = this.table.costOf(bits);
    const float = new Set(prepared.discovery.layers.map((l) => l.name).filter((name) => !bits.get(name)));
    const peak = activationMemory(prepared, this.activationBits, float, this.input.activationBits);
    return budgetUses(
      { ...cost, weightMemory: this.weightMemory(bits) },
      peak.unknown.length === 0 ? peak.peak : undefined,
      limits,
    );
  }

  /** Bytes of all constants as the device holds them. */
  weightMemory(bits: ReadonlyMap<string, Bits | null>): number {
    return (this.table.costOf(bits).weightMemory ?? 0) + this.otherBytes;
  }

  /** The plan's rows. */
  rows(
    bits: ReadonlyMap<string, Bits | null>,
    statistics: ReadonlyMap<string, WeightStatistics>,
    sensitivity: SensitivityTable["byLayer"],
  ): readonly PlanLayer[] {
    const { prepared, profile, pins } = this.input;
    return prepared.discovery.layers.map((layer): PlanLayer => {
      const weightBits = bits.get(layer.name) ?? null;
      const activationBits = weightBits === null || layer.weightsOnly ? null : this.activationBitsOf(layer.name);
      const cost = layerCost(layer, weightBits, this.activationBitsOf(layer.name), profile);
      const sigma = statistics.get(layer.name)?.sigma;
      const measured = sensitivity[layer.name];
      const floatReason = weightBits === null ? this.floatReason(layer.name) : undefined;
      return {
        name: layer.name,
        opType: layer.opType,
        weightBits,
        activationBits,
        ...(pins?.has(layer.name) && { pinned: true }),
        weightShape: layer.weightShape,
        params: layer.params,
        ...(layer.macs !== undefined && { macs: layer.macs }),
        ...(sigma !== undefined && { sigma }),
        ...(measured && { sensitivity: measured }),
        bytes: cost.weightMemory,
        ...(cost.latency !== undefined && { latencyS: cost.latency }),
        ...(cost.energy !== undefined && { energyJ: cost.energy }),
        ...(cost.bops !== undefined && { bops: cost.bops }),
        ...(floatReason !== undefined && { floatReason }),
      };
    });
  }

  private floatReason(name: string): string {
    const { prepared, profile, pins, skipped } = this.input;
    const { sites, layers } = prepared.discovery;
    const layer = sites.get(name)?.layer ?? layers.find((each) => each.name === name);
    if (pins?.get(name) === null) return "excluded in the plan";
    if (layer?.floatReason === undefined && skipped?.has(name)) return "running it ended ONNX Runtime";
    return layer?.floatReason ?? deviceFloatReason(layer?.opType ?? "", profile) ?? "the device has no bits for it";
  }
}

/** As if they were kept in float by hand. */
function skippedPins({ prepared, skipped = new Set() }: DeviceFitInput): ReadonlyMap<string, null> {
  const names = prepared.discovery.layers.map(({ name }) => name).filter((name) => skipped.has(name));
  return new Map(names.map((name) => [name, null]));
}

/** A layer that reads several activations computes in the widest of them. */
function layerBits(
  prepared: PreparedModel,
  usual: ActivationBits | null,
  own: ReadonlyMap<string, ActivationBits> | undefined,
): ReadonlyMap<string, ActivationBits> {
  if (usual === null || own === undefined) return new Map();
  const rows = [...inputsOfLayers(prepared)].map(([layer, values]) => {
    const bits = values.map((value) => own.get(value) ?? usual);
    return [layer, bits.reduce((widest, each) => (each > widest ? each : widest))] as const;
  });
  return new Map(rows);
}
