import type { ActivationBits, Bits } from "../hardware/profile.ts";

/** What is written for one layer. */
export interface QuantizedLayer {
  readonly bits: Bits;
  /** Quantized values, one int8 each, in the layout of the weight as the operator sees it. */
  readonly q: Int8Array;
  /** One scale per output channel (weightShape[channelAxis]); with blocks [channels, blocks of a channel]. */
  readonly scales: Float32Array;
  /** Consecutive weights of a channel that share a scale; all of them without it. The last block may be shorter. */
  readonly blockSize?: number;
  /** The float bias to store instead of the model's, [output channels]; undefined = unchanged. */
  readonly bias?: Float32Array;
}

/** Asymmetric quantization of one activation: x ~ (q - zeroPoint) * scale, q in [0, 2^bits - 1]. */
export interface ActivationQuantization {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly bits: ActivationBits;
}

/** Quantized activations by value name. */
export type ActivationMap = ReadonlyMap<string, ActivationQuantization>;

/** How a layer's weight ended up in the file. */
export interface StoredWeight {
  readonly layer: string;
  readonly bits: Bits;
  /** Bits of one weight in the file: of the next ONNX integer type, 2, 4 or 8, or its own where weights are packed. */
  readonly storedBits: Bits;
  /** Bytes of weights, scales and zero points in the file. */
  readonly bytes: number;
  /** Why it is stored wider than the next type, if it is. */
  readonly note?: string;
}
