/** A file's bytes, read in pieces. `read` returns exactly `length` bytes or throws. */
export interface ByteSource {
  readonly size: number;
  read(at: number, length: number): Promise<Uint8Array>;
}

/** Where a file is written to, front to back. */
export interface ByteSink {
  write(bytes: Uint8Array): Promise<void>;
}

/** Opens an external-data file named by a model; the adapter confines it to the model's folder. */
export type OpenExternal = (location: string) => Promise<ByteSource>;

export type TensorType =
  | "float32"
  | "float64"
  | "float16"
  | "int8"
  | "uint8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64"
  | "bool"
  | "string";

export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | readonly string[];

/** A dense tensor, row-major. float16 data are the raw 16-bit patterns in a Uint16Array. */
export interface Tensor {
  readonly type: TensorType;
  readonly dims: readonly number[];
  readonly data: TensorData;
}

/** An input or output of a session. A dimension that is not fixed is its symbolic name, or null when it has none. */
export interface ValueInfo {
  readonly name: string;
  readonly type: TensorType | "unknown";
  readonly dims: readonly (number | string | null)[];
}

export interface SessionOptions {
  /** "disabled" keeps every node as it is, so that intermediate values can be outputs; "all" is the runtime's default. */
  readonly optimization: "disabled" | "all";
  /** Values for symbolic dimensions, by name. */
  readonly dims?: Readonly<Record<string, number>>;
  readonly threads?: number;
  /**
   * Computes QDQ models as they are written: integers are dequantized, and the operators between are computed in float. The
   * runtime's integer kernels saturate on x86 CPUs without VNNI, and its MatMul quantizes activations of weights-only models
   * by itself (session option session.disable_quant_qdq). Default off, as a user's own runtime has it.
   */
  readonly exactInt8?: boolean;
}

export interface InferenceSession {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Runs the model once. `fetches` limits the outputs that are computed and copied. */
  run(feeds: Readonly<Record<string, Tensor>>, fetches?: readonly string[]): Promise<Readonly<Record<string, Tensor>>>;
  close(): Promise<void>;
}

/** ONNX Runtime behind a port: the core says which model, the adapter where it runs. */
export interface Inference {
  /** A model as serialized bytes, or as a path that the adapter understands (needed for external data). */
  open(model: Uint8Array | { readonly path: string }, options: SessionOptions): Promise<InferenceSession>;
}

/** What a long operation tells while it runs. `done` of `total` units; `note` names what is being worked on. */
export interface Progress {
  readonly stage: string;
  readonly done: number;
  readonly total: number;
  readonly note?: string;
  /** The layer at work, where the stage goes by layers. */
  readonly item?: string;
  /** How much of the stage's time is over, 0 to 1, where units differ in it; `done / total` otherwise. */
  readonly share?: number;
}
export type OnProgress = (progress: Progress) => void;
