import type { Bits } from "../core/hardware/profile.ts";
import type { RecoveryMethod } from "../core/recovery/methods.ts";

/**
 * What jobs of one sweep have in common, and all that a worker has to know of it. Plain data; its hash names it. Two sweeps with the
 * same description have the same results.
 *
 * Weights are not sent: a worker makes those of the layers that it is given, as the submitter does, from the model and from moments
 * of the layers' inputs (Hessians), which it collects once for a sweep and keeps. They follow from model, samples and settings alone,
 * seeds being constants of the program (jobs go to workers of the same version only); what is sent stays small, and rounding, which is
 * half of the work, is shared out too.
 */
export interface SweepDescription {
  readonly model: {
    /** The first is the model itself, the others its external data by their location. */
    readonly files: readonly FileDescription[];
    /** Sizes of open dimensions, and values of inputs that are the same for all samples. */
    readonly dims: Readonly<Record<string, number>>;
    readonly inputs: Readonly<Record<string, readonly number[]>>;
    readonly equalize: boolean;
    readonly requantize: boolean;
    /** Bytes that its analysis may take: how Hessians are cut depends on it. */
    readonly memory: number;
    /** Of the device's scales, where it has them for blocks. */
    readonly blockSize?: number;
  };
  /** Runs of the float network: the drawn samples with what each counts for, then those that recovery looks at. See runRecords.ts. */
  readonly samples: Blob;
  /** Inputs that have a row for each sample, see Recording. */
  readonly rows?: readonly string[];
  readonly recovery: readonly RecoveryMethod[];
  readonly batch: number;
  /** Of ONNX Runtime within an operator: a number, whatever the worker's machine has, as results depend on it. */
  readonly threads: number;
}

/** Bytes by their SHA-256, hexadecimal. */
export interface Blob {
  readonly sha256: string;
  readonly bytes: number;
}

export interface FileDescription extends Blob {
  /** From the model's folder, with the slashes that the model has. */
  readonly path: string;
}

/** What stands in the queue: a layer of a sweep. Its hash is the job's name, so that the same job is never there twice. */
export interface QueuedJob {
  readonly sweep: Blob;
  readonly layer: string;
  readonly bits: readonly Bits[];
}
