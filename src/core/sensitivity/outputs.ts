import { halfToNumber } from "../data/half.ts";
import type { Tensor } from "../ports.ts";

/** How a network's output is read. */
export type OutputKind =
  /** The last axis holds class scores: softmax makes them probabilities. */
  | "logits"
  /** The last axis holds probabilities already (the network ends in Softmax). */
  | "probabilities"
  /** Anything else: boxes, images, features. */
  | "values";

/** The most likely one of a row that holds no numbers. */
const noClass = -1;

/** Probabilities below this are noise of float32 and of the runtime; keeps logarithms finite. Our choice. */
const minProbability = 1e-10;

/**
 * Running comparison of a model's outputs with the float model's on the same samples; one object per (layer, bits).
 *   kl     mean over rows of KL(p_float || p_quantized), nats
 *   nmse   sum (y_q - y)^2 / sum y^2 over all outputs
 *   loss   mean cross-entropy against labels, nats
 */
export class OutputComparison {
  private rows = 0;
  private rightToWrong = 0;
  private wrongToRight = 0;
  private wrongBoth = 0;
  private klSum = 0;
  private noise = 0;
  private signal = 0;
  private agreeing = 0;
  private labelled = 0;
  private correct = 0;
  private correct5 = 0;
  private lossSum = 0;

  /**
   * Adds one batch. `outputs` and `reference` are the same values of the quantized and the float run.
   * @param weights how often each sample of the batch counts; 1 without them
   */
  add(
    kind: OutputKind,
    outputs: readonly Tensor[],
    reference: readonly Tensor[],
    labels?: ArrayLike<number>,
    weights?: Float64Array,
  ): void {
    for (const [i, output] of outputs.entries()) {
      const ref = reference[i];
      if (ref) this.addEnergy(output, ref, weights);
    }
    const [first] = outputs;
    const [firstRef] = reference;
    if (kind === "values" || first === undefined || firstRef === undefined) return;
    const classes = first.dims.at(-1) ?? 1;
    const p = numbers(firstRef);
    const q = numbers(first);
    const rows = Math.floor(p.length / Math.max(classes, 1));
    const rowLabels = labels && labels.length === rows ? labels : undefined;
    const weightOf = perPart(weights, rows);
    for (let row = 0; row < rows; row++) {
      this.addRow(kind, p, q, row * classes, classes, weightOf(row), rowLabels?.[row]);
    }
  }

  private addEnergy(output: Tensor, reference: Tensor, weights: Float64Array | undefined): void {
    const a = numbers(output);
    const b = numbers(reference);
    const length = Math.min(a.length, b.length);
    const parts = weights && length % weights.length === 0 ? weights.length : 1;
    const weightOf = perPart(weights, parts);
    const size = length / parts;
    for (let part = 0; part < parts; part++) {
      let noise = 0;
      let signal = 0;
      for (let i = part * size; i < (part + 1) * size; i++) {
        const y = b[i] as number;
        const d = (a[i] as number) - y;
        noise += d * d;
        signal += y * y;
      }
      // As with rows: see addRow.
      if (!Number.isFinite(signal)) continue;
      this.noise += weightOf(part) * (Number.isFinite(noise) ? noise : signal);
      this.signal += weightOf(part) * signal;
    }
  }

  private addRow(
    kind: OutputKind,
    p: Numbers,
    q: Numbers,
    at: number,
    classes: number,
    weight: number,
    label: number | undefined,
  ): void {
    const logP = logProbabilities(kind, p, at, classes);
    // A sample that the float network makes nothing of says nothing of its changes.
    if (logP.some(Number.isNaN)) return;
    const logQ = logProbabilities(kind, q, at, classes);
    const broken = logQ.some(Number.isNaN);
    if (broken) logQ.fill(Math.log(minProbability));
    let kl = 0;
    let bestP = 0;
    let bestQ = broken ? noClass : 0;
    for (let c = 0; c < classes; c++) {
      const lp = logP[c] as number;
      kl += Math.exp(lp) * (lp - (logQ[c] as number));
      if (lp > (logP[bestP] as number)) bestP = c;
      if ((logQ[c] as number) > (logQ[bestQ] as number)) bestQ = c;
    }
    this.rows += weight;
    this.klSum += weight * Math.max(0, kl);
    if (bestP === bestQ) this.agreeing += weight;
    if (label === undefined || label < 0 || label >= classes) return;
    this.labelled += weight;
    this.lossSum -= weight * (logQ[label] as number);
    const own = logQ[label] as number;
    let better = broken ? classes : 0;
    for (let c = 0; c < classes; c++) if ((logQ[c] as number) > own) better++;
    if (bestQ === label) this.correct += weight;
    if (bestP !== bestQ) {
      if (bestP === label) this.rightToWrong += weight;
      else if (bestQ === label) this.wrongToRight += weight;
      else this.wrongBoth += weight;
    }
    if (better < 5) this.correct5 += weight;
  }

  get kl(): number | undefined {
    return this.rows > 0 ? this.klSum / this.rows : undefined;
  }

  /** Error energy over signal energy of all outputs; 0 when both are silent. */
  get nmse(): number {
    return this.signal > 0 ? this.noise / this.signal : this.noise > 0 ? 1 : 0;
  }

  get sqnrDb(): number {
    return -10 * Math.log10(this.nmse);
  }

  get loss(): number | undefined {
    return this.labelled > 0 ? this.lossSum / this.labelled : undefined;
  }

  get top1(): number | undefined {
    return this.labelled > 0 ? this.correct / this.labelled : undefined;
  }

  get top5(): number | undefined {
    return this.labelled > 0 ? this.correct5 / this.labelled : undefined;
  }

  /** Rows with labels whose most likely class is not the float model's. */
  get changed(): ChangedPredictions | undefined {
    const { rightToWrong, wrongToRight, wrongBoth, labelled } = this;
    return labelled > 0 ? { rightToWrong, wrongToRight, wrongBoth, samples: labelled } : undefined;
  }

  /** Fraction of rows whose most likely class is the float model's. */
  get agreement(): number | undefined {
    return this.rows > 0 ? this.agreeing / this.rows : undefined;
  }
}

/** Of labelled samples: how predictions differ from the float model's. */
export interface ChangedPredictions {
  readonly rightToWrong: number;
  readonly wrongToRight: number;
  /** Another wrong class than before. */
  readonly wrongBoth: number;
  readonly samples: number;
}

/** The largest difference of any two values of an output; NaN where one of them is. */
export function largestError(output: Tensor, reference: Tensor): number {
  const a = numbers(output);
  const b = numbers(reference);
  let largest = 0;
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    largest = Math.max(largest, Math.abs((a[i] as number) - (b[i] as number)));
  }
  return largest;
}

/** Reads an output's rows as probabilities of classes; the last axis holds the classes. */
export function rowProbabilities(kind: OutputKind, output: Tensor): (row: number) => Float64Array {
  const values = numbers(output);
  const classes = output.dims.at(-1) ?? 1;
  return (row) => logProbabilities(kind, values, row * classes, classes).map(Math.exp);
}

/** The weight of one of `parts` equal parts of a batch that has a weight for each sample; 1 where the two don't go together. */
function perPart(weights: Float64Array | undefined, parts: number): (part: number) => number {
  if (weights === undefined || weights.length === 0 || parts % weights.length !== 0) return () => 1;
  const perSample = parts / weights.length;
  return (part) => weights[Math.floor(part / perSample)] as number;
}

type Numbers = ArrayLike<number>;

function numbers(tensor: Tensor): Numbers {
  const { data } = tensor;
  if (data instanceof Float32Array || data instanceof Float64Array) return data;
  if (tensor.type === "float16" && data instanceof Uint16Array) return Float32Array.from(data, halfToNumber);
  return Float64Array.from(data as ArrayLike<number | bigint | string>, Number);
}

function logProbabilities(kind: OutputKind, values: Numbers, at: number, classes: number): Float64Array {
  const out = new Float64Array(classes);
  if (kind === "probabilities") {
    for (let c = 0; c < classes; c++) out[c] = Math.log(Math.max(values[at + c] as number, minProbability));
    return out;
  }
  let max = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < classes; c++) max = Math.max(max, values[at + c] as number);
  let sum = 0;
  for (let c = 0; c < classes; c++) sum += Math.exp((values[at + c] as number) - max);
  const logSum = max + Math.log(sum);
  for (let c = 0; c < classes; c++) out[c] = Math.max((values[at + c] as number) - logSum, Math.log(minProbability));
  return out;
}
