import type { Bits } from "../hardware/profile.ts";

/** Operators whose constant weights are quantized today. */
export type QuantizableOp = "Conv" | "ConvTranspose" | "Gemm" | "MatMul" | "Gather" | "LSTM" | "GRU" | "RNN";

/**
 * A layer: one weight tensor and the node or nodes that use it, one decision about bits. Plain data, so that it goes
 * through messages and into files unchanged.
 */
export interface Layer {
  /** The node's name, else its weight's, else `<op>_<n>`; unique in the model. Plans refer to layers by it. */
  readonly name: string;
  readonly opType: QuantizableOp | string;
  /** Paths of the nodes: indices into graph.node, through subgraphs as `12/then_branch/3`, in functions as `name/3`. In execution order. */
  readonly nodes: readonly string[];
  /**
   * Weight shape as the operator sees it (after any Transpose or Reshape between initializer and node); of recurrent networks as
   * rows, [directions * gates * hidden, inputs]. Of a weight that is computed at run time: once shapes are inferred, else [].
   */
  readonly weightShape: readonly number[];
  /** Axis of weightShape that holds output channels: one scale each. */
  readonly channelAxis: number;
  /** Conv and ConvTranspose groups; 1 elsewhere. A Conv with groups = input channels is depthwise. */
  readonly groups: number;
  /** Stored weights; 0 when they are computed at run time. */
  readonly params: number;
  /**
   * Multiply-accumulates of one inference at the assumed dimensions, all nodes of the layer together, bodies of control flow run
   * once; undefined if a shape is unknown.
   */
  readonly macs?: number;
  /** Name of the tensor in the file that holds the weight (initializer, or the Constant node's output), or of the value that computes it. */
  readonly weightTensor: string;
  /** Elements of the bias, 0 without one. A MatMul's is what the Add behind it adds. */
  readonly biasParams: number;
  /** Elements of one inference's activation input and output at the assumed dimensions; undefined if unknown. */
  readonly inputElements?: number;
  readonly outputElements?: number;
  /** Bytes of the weight as stored in the float model. */
  readonly floatBytes: number;
  /**
   * What it computes with stays in float, whatever activation bits the device has: a lookup, a recurrent network,
   * and whatever bodies compute.
   */
  readonly weightsOnly?: true;
  /** Consecutive weights of an output channel that share a scale, on the device that is asked about; all of them without it. */
  readonly blockSize?: number;
  /** Bits of weights that are integers in the file already, and are left as they are. */
  readonly storedBits?: Bits;
  /** Why it stays as it is (mostly in float), at most 40 characters; undefined when it can be quantized. */
  readonly floatReason?: string;
  /** The whole story behind floatReason, for a hover or a report. */
  readonly floatDetail?: string;
}
