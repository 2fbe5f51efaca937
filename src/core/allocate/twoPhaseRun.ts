import type { Bits } from "../hardware/profile.ts";
import type { SearchStep } from "../plan/types.ts";
import { type CostTable, fitsPressure, type TableProblem } from "./costTable.ts";
import { distance, type ZoneRow, zoneOf } from "./zones.ts";

export interface TwoPhaseInput {
  readonly table: CostTable;
  /** Standard deviation of a layer's weights. */
  readonly sigma: (layer: string) => number;
  /** Harm of quantizing one layer to these bits, >= 0; any unit, as only comparisons and sums are used. */
  readonly sensitivity: (layer: string, bits: Bits) => number;
  /**
   * True when `sensitivity` was measured on the network's output: its sum then says more than a small difference of `drop`. False
   * when it is an estimate from the weights (KL): `drop` then decides alone.
   */
  readonly measured: boolean;
  /** Accuracy target: largest loss of accuracy, a fraction; undefined = none. */
  readonly maxDrop?: number;
  /** Runs the real model with these bits. `drop`: loss of accuracy as a fraction, smaller is better, negative possible. */
  readonly evaluate: (bits: ReadonlyMap<string, Bits>, signal?: AbortSignal) => Promise<{ readonly drop: number }>;
}

/** A configuration that was run. */
export interface Point {
  readonly choice: readonly number[];
  readonly bits: ReadonlyMap<string, Bits>;
  readonly drop: number;
  /** Largest use / limit. */
  readonly pressure: number;
  readonly weightMemory: number;
  /** Sum of the sensitivities. */
  readonly loss: number;
}

/**
 * Within how much of the least known sum of measured sensitivities the accuracy decides. The search must end within 10 % of
 * the exact optimum; half of it is for what swaps leave (below 3 % on random networks). Beyond it, a better accuracy on a few
 * hundred samples is more likely chance than merit.
 */
const lossBand = 0.05;
/** Drop of a configuration whose accuracy is not a number: all of it. */
const totalDrop = 1;

/**
 * One search: the configurations that were run (each once), the one it stands at, and its trace. The changes of a step are
 * against where the search stood before it; it then stands at the step's configuration if the step is kept. So applying the
 * changes of the kept steps, in order, to the first step's configuration gives the result.
 */
export class TwoPhaseRun {
  readonly space: TableProblem;
  readonly trace: SearchStep[] = [];
  /** Least sum of sensitivities known within the limits. */
  leastLoss = Number.POSITIVE_INFINITY;
  /** Each limit may be used this often: 1, or more where it is found that no choice meets the limits themselves. */
  allowance = 1;
  private readonly points = new Map<string, Point>();
  private standing: Point | undefined;

  constructor(
    readonly input: TwoPhaseInput,
    private readonly onStep: (step: SearchStep) => void,
    readonly signal?: AbortSignal,
  ) {
    const { table, sensitivity } = input;
    const shrinks = table.limited.length === 0 && input.maxDrop !== undefined;
    // Where memory is to be as small as accuracy allows, steps need to know what they free: a share of the start's.
    const widest = table.costOf(table.withFixed((group) => group.bits.at(-1) as Bits)).weightMemory ?? 0;
    this.shrinks = shrinks && table.groups.length > 0;
    this.sums = input.measured && !this.shrinks;
    this.space = table.toProblem(sensitivity, this.shrinks ? { weightMemory: widest } : table.limits);
  }

  /** An accuracy target and no limits: memory is to be as small as the target allows. */
  readonly shrinks: boolean;
  /** Whether the sum of the sensitivities counts beside the accuracy. */
  private readonly sums: boolean;

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
    const { drop } = await evaluate(bits, this.signal);
    this.signal?.throwIfAborted();
    const point: Point = {
      choice: [...choice],
      bits,
      drop: Number.isFinite(drop) ? drop : totalDrop,
      pressure: table.pressure(bits),
      weightMemory: table.costOf(bits).weightMemory ?? 0,
      loss: choice.reduce((sum, c, g) => sum + (this.space.problem.groups[g]?.[c]?.loss ?? 0), 0),
    };
    if (this.fits(point)) this.leastLoss = Math.min(this.leastLoss, point.loss);
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

  /** Loss of accuracy above its target; 0 without one. */
  shortfall(point: Point): number {
    const { maxDrop } = this.input;
    return maxDrop === undefined ? 0 : point.drop - maxDrop;
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
   * Whether `a` is a better result than `b`. What counts, in this order: the limits; the accuracy target; memory, where it
   * is to be as small as possible; a sum of measured sensitivities within `lossBand` of the least; accuracy; the sum.
   */
  better(a: Point, b: Point): boolean {
    const close = (point: Point) => !this.sums || point.loss <= this.leastLoss * (1 + lossBand);
    const orders: readonly (readonly [number, number])[] = [
      this.fits(a) && this.fits(b) ? [0, 0] : [a.pressure, b.pressure],
      [Number(this.shortfall(a) > 0), Number(this.shortfall(b) > 0)],
      this.shrinks && this.shortfall(a) <= 0 ? [a.weightMemory, b.weightMemory] : [0, 0],
      [Number(!close(a)), Number(!close(b))],
      [a.drop, b.drop],
      [a.loss, b.loss],
    ];
    const [left, right] = orders.find(([x, y]) => x !== y) ?? [0, 0];
    return left < right;
  }

  /** The best of all configurations that were run; of equal ones the first. */
  best(): Point {
    return [...this.points.values()].reduce((best, point) => (this.better(point, best) ? point : best));
  }
}

function keyOf(choice: readonly number[]): string {
  return choice.join(",");
}
