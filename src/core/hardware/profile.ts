/** Weight bits that can be chosen for a layer. */
export type Bits = 2 | 3 | 4 | 5 | 6 | 7 | 8;
/** Activation bits; 16 is A16. */
export type ActivationBits = 4 | 8 | 16;

/** Weights that share a scale, where not all of an output channel do. */
export type BlockSize = 32 | 64 | 128;

export const resources = ["weightMemory", "activationMemory", "latency", "energy", "bops"] as const;
/** The five budgets. Units inside the program: bytes, bytes, seconds, joules, bit operations. */
export type Resource = (typeof resources)[number];

/** One figure with where it is from. */
export interface Source {
  /** JSON path of the figure(s), e.g. `compute.macsPerCycle`. */
  readonly figure: string;
  readonly source: string;
  /** The figure is not in the profile, because nobody publishes it; `source` says where one would have looked. */
  readonly missing?: boolean;
  /** The figure is an example or a choice, not a limit: a profile that extends this one may have another. */
  readonly adjustable?: boolean;
}

/**
 * A device, as parsed from `*.hwprofile.json` and completed with the defaults. Field names carry their unit, as in the
 * file. A figure the device's makers do not give is absent, never guessed: a cost that needs it is then unknown.
 */
export interface HardwareProfile {
  readonly name: string;
  readonly description?: string;
  readonly extends?: string;
  /** Supported weight bits, ascending. */
  readonly weightBits: readonly Bits[];
  readonly activationBits: readonly ActivationBits[];
  /** Consecutive weights of a MatMul's or Gemm's output that share a scale; all of them without it. */
  readonly blockSize?: BlockSize;
  /** Per operator type, where it differs: its weight bits, or kept in float. */
  readonly operators: Readonly<Record<string, { readonly weightBits?: readonly Bits[]; readonly float?: boolean }>>;
  readonly memory: {
    readonly weightMemoryKiB?: number;
    readonly activationMemoryKiB?: number;
    /** Each layer's weights, scales and biases start at a multiple of it. Default 1. */
    readonly weightAlignmentBytes: number;
    /** Bits a weight of n bits occupies: n itself ("packed") or the next of 2, 4, 8 ("container"). Default packed. */
    readonly weightPacking: "packed" | "container";
    /** Bytes of one scale (default 4) and of one zero point (default 0: weights are symmetric); one each per output channel. */
    readonly scaleBytes: number;
    readonly zeroPointBytes: number;
    /** Bytes of one bias element. Default 4 (int32). */
    readonly biasBytes: number;
  };
  readonly compute?: {
    readonly clockMHz?: number;
    /** MACs per cycle by "weightBits x activationBits", e.g. { "8x8": 64, "4x8": 128 }; "float" for float layers. */
    readonly macsPerCycle?: Readonly<Record<string, number>>;
    /** How many units that do `macsPerCycle` work in parallel. Default 1: macsPerCycle is then the whole device's. */
    readonly macUnits: number;
    /** 10^6 bytes per second between weight/activation memory and compute. */
    readonly bandwidthMBps?: number;
    readonly layerOverheadUs?: number;
    /** Measured latency, ms, by layer name and weight bits: replaces the formula for that layer. */
    readonly measuredLatencyMs?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  };
  readonly energy?: {
    /** pJ per MAC by "weightBits x activationBits". */
    readonly energyPerMacPj?: Readonly<Record<string, number>>;
    readonly energyPerBytePj?: number;
  };
  readonly budgets: {
    readonly weightMemoryKiB?: number;
    readonly activationMemoryKiB?: number;
    readonly latencyMs?: number;
    readonly energyUj?: number;
    readonly bopsM?: number;
  };
  readonly accuracy: {
    /** Largest loss of accuracy against float, in points (percent absolute). */
    readonly maxDropPoints?: number;
    /** The same relative to float accuracy, in percent. */
    readonly maxDropPercent?: number;
  };
  /** Layers that must share their bits: "residual" ties the layers that feed one Add; lists tie by layer name. */
  readonly sharedBits: { readonly residual: boolean; readonly groups: readonly (readonly string[])[] };
  readonly sources: readonly Source[];
}

/** Limits in the program's units; absent = unlimited. */
export type Budgets = Readonly<Partial<Record<Resource, number>>>;
