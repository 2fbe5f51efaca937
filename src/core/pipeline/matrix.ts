import { SigmaQuantError } from "../errors.ts";
import { allBits } from "../hardware/bitPairs.ts";
import type { Bits, Budgets, HardwareProfile } from "../hardware/profile.ts";
import { type DeviceFigures, figuresOfPlan } from "../plan/deviceFigures.ts";
import type { Baseline } from "../plan/types.ts";
import type { OnProgress } from "../ports.ts";
import type { Measurement, SensitivityTable } from "../sensitivity/types.ts";
import { analyzeWeights, measureLayers, unmeasurable } from "./analysis.ts";
import { baselineNote, type DecideInput, decidePlan } from "./decidePlan.ts";
import { DeviceFit } from "./deviceFit.ts";
import { expectedFigures } from "./expectedFigures.ts";
import { type LossOf, lossOf, weightLosses } from "./loss.ts";
import { baselineBits } from "./planOf.ts";
import type { RunSettings } from "./settings.ts";
import { sharedBaselines } from "./sharedBaselines.ts";
import { solveBits } from "./solveBits.ts";

/** A device to compare on. */
export interface MatrixDevice {
  /** What the user called the profile: a path or `preset:<name>`; another one for each device. */
  readonly id: string;
  readonly profile: HardwareProfile;
  /** `budgetsOf(profile, overrides)`. */
  readonly limits: Budgets;
  /** Samples, batch and recovery are the same for all devices; target and pins may differ. */
  readonly settings: RunSettings;
}

type ModelInput = Omit<DecideInput, "profile" | "profileRef" | "limits" | "settings" | "baselines">;

export interface MatrixInput extends ModelInput {
  readonly devices: readonly MatrixDevice[];
  /**
   * "simulated": each device gets the plan of its settings' strategy, and it is run. "expected": the exact solver decides over the
   * sensitivities, and accuracies are told from those of uniform bitwidths, which are run once for all devices.
   */
  readonly accuracy: "simulated" | "expected";
  /** Told of each device as soon as it is known. */
  readonly onCell?: (cell: MatrixCell) => void;
}

/** One model on one device. */
export interface MatrixCell {
  readonly device: MatrixDevice;
  /** Absent where the model can't be laid on the device; `problem` then says why. */
  readonly figures?: DeviceFigures;
  readonly problem?: SigmaQuantError;
  readonly notes: readonly string[];
}

interface Fitted {
  readonly device: MatrixDevice;
  readonly fit: DeviceFit;
}

/** A gap that nobody sees, as in `propose`. */
const solverGap = 1e-3;

/**
 * One model on several devices: what each device's budgets make of it. Sensitivities do not depend on the device, so that each bitwidth
 * of each layer is measured once for all of them; so are uniform bitwidths, where they mean the same on two devices.
 * @returns one cell for each device, in their order
 */
export async function decideMatrix(
  input: MatrixInput,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<readonly MatrixCell[]> {
  const cells = new Map<string, MatrixCell>();
  const tell = (cell: MatrixCell) => {
    cells.set(cell.device.id, cell);
    input.onCell?.(cell);
  };
  // What can't be is told before anything takes its time.
  const fitted = input.devices.flatMap((device) => {
    try {
      return [{ device, fit: fitOf(input, device) }];
    } catch (error) {
      if (!(error instanceof SigmaQuantError)) throw error;
      tell({ device, problem: error, notes: [] });
      return [];
    }
  });
  const [first] = fitted;
  if (first !== undefined) {
    const known = await measureOnce(input, fitted, first.device.settings, onProgress, signal);
    const own = { ...input, ...known };
    if (input.accuracy === "expected") await expect(own, fitted, known.table, tell, onProgress, signal);
    else await decideEach(own, fitted, tell, onProgress, signal);
  }
  return input.devices.flatMap(({ id }) => cells.get(id) ?? []);
}

function fitOf({ prepared }: MatrixInput, { profile, limits, settings }: MatrixDevice): DeviceFit {
  const { pins, weightsOnly, bits } = settings;
  return new DeviceFit({ prepared, profile, limits, pins, weightsOnly, ...(bits && { candidates: bits }) });
}

type Known = Pick<DecideInput, "known" | "onMeasured"> & { readonly table?: SensitivityTable };

/** Measures every bitwidth that any of the devices has, layer by layer in one sweep. Nothing, where the model can't be measured. */
async function measureOnce(
  input: MatrixInput,
  fitted: readonly Fitted[],
  { batch, threads, sensitivitySamples: samples }: RunSettings,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<Known> {
  const { prepared, weights, calibration, inference, onMeasured } = input;
  if (unmeasurable(prepared) !== undefined) return {};
  const measured = new Map<string, Measurement>();
  const key = (layer: string, bits: Bits) => `${bits} ${layer}`;
  const known: Known["known"] = (layer, bits) => measured.get(key(layer, bits)) ?? input.known?.(layer, bits);
  const keep: Known["onMeasured"] = (layer, bits, value) => {
    measured.set(key(layer, bits), value);
    onMeasured?.(layer, bits, value);
  };
  const wanted = bitsOfLayers(fitted);
  const { table } = await measureLayers(
    prepared,
    weights,
    calibration,
    {
      inference,
      samples,
      batch,
      bits: (layer) => allBits.filter((bits) => wanted.get(layer)?.has(bits)),
      ...(threads !== undefined && { threads }),
      known,
      onMeasured: keep,
    },
    onProgress,
    signal,
  );
  return { known, onMeasured: keep, table };
}

function bitsOfLayers(fitted: readonly Fitted[]): ReadonlyMap<string, ReadonlySet<Bits>> {
  const wanted = new Map<string, Set<Bits>>();
  const want = (layer: string, bits: readonly Bits[]) => {
    const own = wanted.get(layer) ?? new Set();
    for (const each of bits) own.add(each);
    wanted.set(layer, own);
  };
  for (const { fit } of fitted) {
    for (const { layers, bits } of fit.table.groups) for (const layer of layers) want(layer, bits);
    for (const [layer, pin] of fit.table.fixed) if (pin !== null) want(layer, [pin]);
  }
  return wanted;
}

/** A plan for each device, run. */
async function decideEach(
  input: MatrixInput,
  fitted: readonly Fitted[],
  tell: (cell: MatrixCell) => void,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<void> {
  const decided: { readonly fit: DeviceFit; readonly baselines: readonly Baseline[] }[] = [];
  for (const { device, fit } of fitted) {
    signal?.throwIfAborted();
    const { profile, limits, settings } = device;
    const { plan, baselines, notes } = await decidePlan(
      {
        ...input,
        profile,
        profileRef: device.id,
        limits,
        settings,
        baselines: decided.flatMap((other) => sharedBaselines(other.fit, other.baselines, fit)),
      },
      fitted.length > 1 ? about(profile.name, onProgress) : onProgress,
      signal,
    );
    decided.push({ fit, baselines });
    tell({ device, figures: figuresOfPlan(plan), notes: notes.filter((note) => note !== baselineNote) });
  }
}

/** The solver's bits for each device, with accuracies told from one run of the uniform bitwidths. */
async function expect(
  input: MatrixInput,
  fitted: readonly Fitted[],
  table: SensitivityTable | undefined,
  tell: (cell: MatrixCell) => void,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<void> {
  const { loss, notes } = await lossesOf(input, fitted, table, onProgress, signal);
  const reference = await runUniform(input, fitted, onProgress, signal);
  for (const { device, fit } of fitted) {
    signal?.throwIfAborted();
    const { dropLimit } = device.settings;
    const figures = expectedFigures({
      fit,
      loss,
      solved: solveBits(fit, loss, { maxGap: solverGap }, signal),
      baselines: reference.baselines,
      ...(dropLimit && { dropLimit }),
    });
    tell({ device, figures, notes: [...reference.notes, ...notes] });
  }
}

async function lossesOf(
  { prepared, weights, compute }: MatrixInput,
  fitted: readonly Fitted[],
  table: SensitivityTable | undefined,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<{ readonly loss: LossOf; readonly notes: readonly string[] }> {
  if (table) return { loss: lossOf(table.byLayer), notes: [] };
  // 8 bits too: the paper's KL is normalized by them.
  const used = new Set<Bits>([8, ...fitted.flatMap(({ fit }) => baselineBits(fit))]);
  const bits = allBits.filter((each) => used.has(each));
  const statistics = await analyzeWeights(prepared, weights, bits, onProgress, signal, undefined, compute);
  const notes = [`Sensitivities are estimated from the weights alone: ${unmeasurable(prepared)}`];
  return { loss: lossOf(weightLosses(statistics)), notes };
}

/** Accuracy of each bitwidth for all layers, on the device that has most of them. */
async function runUniform(
  input: MatrixInput,
  fitted: readonly Fitted[],
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<{ readonly baselines: readonly Baseline[]; readonly notes: readonly string[] }> {
  const [widest] = fitted.toSorted((a, b) => baselineBits(b.fit).length - baselineBits(a.fit).length);
  const bits = widest && baselineBits(widest.fit).at(-1);
  if (widest === undefined || bits === undefined) return { baselines: [], notes: [] };
  const { id: profileRef, profile, limits, settings } = widest.device;
  // The weights are recovered layer by layer as they are; what they would give without that, or in sequence, is not asked.
  const uniform = { ...settings, strategy: `uniform:${bits}`, recovery: new Set<never>() } as const;
  const decided = await decidePlan({ ...input, profile, profileRef, limits, settings: uniform }, onProgress, signal);
  return { baselines: decided.baselines, notes: input.calibration.notes };
}

/** Progress with the device's name. */
function about(device: string, onProgress: OnProgress): OnProgress {
  return (progress) =>
    onProgress({ ...progress, note: progress.note === undefined ? device : `${device}: ${progress.note}` });
}
