import type { Bits } from "../hardware/profile.ts";
import type { SearchStep } from "../plan/types.ts";
import { keepsTarget } from "../plan/verdict.ts";
import { type CostTable, fitsPressure, type TableProblem } from "./costTable.ts";
import { distance, type ZoneRow, zoneOf } from "./zones.ts";

export interface TwoPhaseInput {
  readonly table: CostTable;
  /** Standard deviation of a layer's weights. */
  readonly sigma: (layer: string) => number;
  /** Harm of quantizing one layer to these bits, >= 0; any unit, as only comparisons and sums are used. */
  readonly sensitivity: (layer: string, bits: Bits) => number;
  /**
   * True when `sensitivity` was measured on the network's output: its sum then says more than a small difference of
   * `drop`. False when it is an estimate from the weights (KL): `drop` then decides alone.
   */
  readonly measured: boolean;
  /** Accuracy target: largest loss of accuracy, a fraction; undefined = none. */
  readonly maxDrop?: number;
  /** Bits with the least sum of sensitivities within the limits, where the exact solver found them. */
  readonly optimum?: ReadonlyMap<string, Bits | null>;
  /**
   * Samples that `evaluate` runs, where `drop` is a share of them: from them follows how far apart two drops must be to
   * mean anything. Undefined where it is not a share; every difference then counts.
   */
  readonly samples?: number;
  readonly evaluate: (bits: ReadonlyMap<string, Bits>, signal?: AbortSignal) => Promise<MixFigures>;
  /** The harm of a mix from a run on fewer samples, to compare many of them: see `remeasure`, which is left out without it. */
  readonly probe?: (bits: ReadonlyMap<string, Bits>, signal?: AbortSignal) => Promise<number>;
}

/** What a run of the real model with some bits gives. */
export interface MixFigures {
  /** Loss of accuracy as a fraction, smaller is better, negative possible. */
  readonly drop: number;
  /**
   * The mix's own harm in the metric of the sensitivities (mean KL, or error energy), where it was measured: a mean over
   * the whole output of every sample, it tells mixes apart that change as many predictions.
   */
  readonly harm?: number;
}

/** A configuration that was run. */
export interface Point {
  readonly choice: readonly number[];
  readonly bits: ReadonlyMap<string, Bits>;
  readonly drop: number;
  /** See MixFigures; undefined where it was not measured. */
  readonly harm: number | undefined;
  /** Largest use / limit. */
  readonly pressure: number;
  readonly weightMemory: number;
  /** Sum of the sensitivities. */
  readonly loss: number;
}

/**
 * Within how much of the least known sum of measured sensitivities the measured harm and the accuracy decide. The search must end
 * within 10 % of the exact optimum; what is left of it is for what swaps leave where that is not known (below 3 % on random
 * networks).
 */
const lossBand = 0.07;
/** Harms closer than this to that of the least sum are taken for the same: what the KL of 256 samples scatters by. */
const harmBand = 0.1;
/**
 * Measured harm (nats of KL, or a share of the signal's energy) from which layers' harms are taken not to add up any more. Our
 * choice, by measurement (docs/sensitivity.md): below it mixes that do less harm than the least sum on the samples of the
 * search don't do so after rounding in sequence, or on others; above it they do, by up to a quarter.
 */
export const interactingHarm = 0.1;
/** Drop of a configuration whose accuracy is not a number: all of it. */
const totalDrop = 1;

/**
 * One search: the configurations that were run (each once), the one it stands at, and its trace. The changes of a step
 * are against where the search stood before it; it then stands at the step's configuration if the step is kept. So
 * applying the changes of the kept steps, in order, to the first step's configuration gives the result.
 */
export class TwoPhaseRun {
  /** An accuracy target and no limits: memory is to be as small as the target allows. */
  readonly shrinks: boolean;
  readonly space: TableProblem;
  readonly trace: SearchStep[] = [];
  /** Least sum of sensitivities that a search over sums alone found within the limits. */
  goalLoss = Number.POSITIVE_INFINITY;
  /** Each limit may be used this often: 1, or more where it is found that no choice meets the limits themselves. */
  allowance = 1;
  /** Whether the sum of the sensitivities counts beside the accuracy. */
  readonly sums: boolean;
  private readonly points = new Map<string, Point>();
  private standing: Point | undefined;

  constructor(
    readonly input: TwoPhaseInput,
    private readonly onStep: (step: SearchStep) => void,
    readonly signal?: AbortSignal,
  ) {
    const { table, sensitivity } = input;
    this.shrinks = table.limited.length === 0 && table.groups.length > 0 && input.maxDrop !== undefined;
    this.sums = input.measured && !this.shrinks;
    // Where memory is to be as small as accuracy allows, steps need to know what they free: a share of the widest bits.
    const widest = table.costOf(table.withFixed((group) => group.bits.at(-1) as Bits)).weightMemory ?? 0;
    this.space = table.toProblem(sensitivity, this.shrinks ? { weightMemory: widest } : table.limits);
  }

  get evaluations(): number {
    return this.points.size;
  }

  /** Where the search stands. */
  get point(): Point {
    if (this.standing === undefined) throw new Error("no step was taken yet");
    return this.standing;
  }

  wasRun(choice: readonly number[]): boolean {
    return this.points.has(keyOf(choice));
  }

  /** Runs a configuration, unless it was run before. */
  async run(choice: readonly number[]): Promise<Point> {
    const known = this.points.get(keyOf(choice));
    if (known) return known;
    this.signal?.throwIfAborted();
    const { table, evaluate } = this.input;
    const bits = this.space.bitsOf(choice);
    const { drop, harm } = await evaluate(bits, this.signal);
    this.signal?.throwIfAborted();
    const point: Point = {
      choice: [...choice],
      bits,
      drop: Number.isFinite(drop) ? drop : totalDrop,
      harm: harm === undefined || Number.isFinite(harm) ? harm : Number.POSITIVE_INFINITY,
      pressure: table.pressure(bits),
      weightMemory: table.costOf(bits).weightMemory ?? 0,
      loss: choice.reduce((sum, c, g) => sum + (this.space.problem.groups[g]?.[c]?.loss ?? 0), 0),
    };
    this.points.set(keyOf(choice), point);
    return point;
  }

  /** Records a step to `point`, and stands there if it is kept. */
  record(phase: 1 | 2, point: Point, kept: boolean, lambda?: number): void {
    const before = this.standing?.bits ?? point.bits;
    const changes = [...point.bits].flatMap(([layer, to]) => {
      const from = before.get(layer) as Bits;
      return from === to ? [] : [{ layer, from, to }];
    });
    const last = this.trace.at(-1);
    const step: SearchStep = {
      phase,
      step: last?.phase === phase ? last.step + 1 : phase - 1,
      zone: this.zone(point).zone,
      ...(lambda !== undefined && { lambda }),
      changes,
      drop: point.drop,
      pressure: point.pressure,
      weightMemory: point.weightMemory,
      kept,
    };
    this.trace.push(step);
    if (kept) this.standing = point;
    this.onStep(step);
  }

  /** Loss of accuracy above its target; 0 or less where it is met, as the plan's verdict will see it, and without one. */
  shortfall({ drop }: Point): number {
    const { maxDrop } = this.input;
    if (maxDrop === undefined) return 0;
    return keepsTarget(drop, maxDrop) ? Math.min(0, drop - maxDrop) : drop - maxDrop;
  }

  zone(point: Point): ZoneRow {
    return zoneOf(this.shortfall(point), point.pressure);
  }

  distance(point: Point): number {
    return distance(this.shortfall(point), point.pressure);
  }

  fits(point: Point): boolean {
    return fitsPressure(point.pressure, this.allowance);
  }

  /**
   * Whether `a` is a better result than `b`. What counts, in this order: the limits; the accuracy target; memory, where
   * it is to be as small as possible; a sum of measured sensitivities within `lossBand` of the least; the measured harm;
   * accuracy; the sum.
   *
   * Of accuracies and harms only differences count that mean something: one that is within a standard error (`harmBand`) of
   * that of the least sum of measured sensitivities is taken for the same, and so is less harm where there is little.
   * To choose by single samples would be to fit the bits to them.
   */
  better(a: Point, b: Point): boolean {
    const surest = this.sums ? this.surest() : undefined;
    const close = (point: Point) => !this.sums || point.loss <= this.lossLimit;
    const [dropA, dropB] = [this.meaningfulDrop(a, surest), this.meaningfulDrop(b, surest)];
    // Every single sample counts here: it will in the verdict.
    const misses = (point: Point) => this.shortfall(point) > 0;
    const orders: readonly (readonly [number, number])[] = [
      this.fits(a) && this.fits(b) ? [0, 0] : [a.pressure, b.pressure],
      [Number(misses(a)), Number(misses(b))],
      this.shrinks && !misses(a) ? [a.weightMemory, b.weightMemory] : [0, 0],
      [Number(!close(a)), Number(!close(b))],
      [meaningfulHarm(a, surest), meaningfulHarm(b, surest)],
      [dropA, dropB],
      [a.loss, b.loss],
    ];
    const [left, right] = orders.find(([x, y]) => x !== y) ?? [0, 0];
    return left < right;
  }

  /** Sums of sensitivities up to this one are as good as the least. */
  get lossLimit(): number {
    return Math.min(this.goalLoss, this.surest()?.loss ?? Number.POSITIVE_INFINITY) * (1 + lossBand);
  }

  /** Of the points within the limits that with the least sum of sensitivities. */
  private surest(): Point | undefined {
    let surest: Point | undefined;
    for (const point of this.points.values()) {
      if (this.fits(point) && point.loss < (surest?.loss ?? Number.POSITIVE_INFINITY)) surest = point;
    }
    return surest;
  }

  private meaningfulDrop({ drop }: Point, surest: Point | undefined): number {
    const { samples } = this.input;
    if (surest === undefined || samples === undefined) return drop;
    // Both are shares of the same samples; counts vary by their root, and a single sample is no difference.
    const error = Math.sqrt((Math.max(0, drop) + Math.max(0, surest.drop) + 1 / samples) / samples);
    return Math.abs(drop - surest.drop) <= error ? surest.drop : drop;
  }

  /** The best of all configurations that were run; of equal ones the first. */
  best(): Point {
    return [...this.points.values()].reduce((best, point) => (this.better(point, best) ? point : best));
  }
}

/** 0 where nothing was measured. That of the surest point, where the two differ by chance or by what adds up. */
function meaningfulHarm({ harm = 0 }: Point, surest: Point | undefined): number {
  const least = surest?.harm;
  if (least === undefined) return harm;
  const isClose = Math.abs(harm - least) <= harmBand * Math.min(harm, least);
  return isClose || (harm < least && least < interactingHarm) ? least : harm;
}

function keyOf(choice: readonly number[]): string {
  return choice.join(",");
}
