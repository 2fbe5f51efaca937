import process from "node:process";
import type { InferenceSession as OrtSession, Tensor as OrtTensor } from "onnxruntime-node";
import type {
  Inference,
  InferenceSession,
  SessionOptions,
  Tensor,
  TensorData,
  TensorType,
  ValueInfo,
} from "../core/ports.ts";
import { openFileSource } from "./files.ts";
import { withDims } from "./fixDims.ts";
import { inferenceError, loadError, openError, runError } from "./ortErrors.ts";

type Ort = typeof import("onnxruntime-node");

export interface OrtOptions {
  /** Threads of a session that does not say; the runtime's own default is one per physical core. */
  readonly threads?: number;
}

/** The runtime's severity "fatal": what goes wrong is thrown, and a terminal's stderr is ours. */
const fatalOnly = 4;

let loading: Promise<Ort> | undefined;

/**
 * The runtime's variable against its telemetry: from 1.30 on its builds for Linux and macOS otherwise write an id of the device to the
 * user's cache folder and logs to the temporary one, and send what models are made of to its maker.
 */
const noTelemetry = "ORT_DISABLE_TELEMETRY";

/**
 * Loads the runtime's 30 MB when it is first needed, so that `--help` does not wait for them.
 * @throws SigmaQuantError SQ6001-SQ6003 where it is not there, or can't be loaded
 */
export async function runtime(): Promise<Ort> {
  process.env[noTelemetry] = "1";
  loading ??= import("onnxruntime-node").then((ort) => {
    ort.env.logLevel = "fatal";
    return ort;
  });
  try {
    return await loading;
  } catch (error) {
    loading = undefined;
    throw loadError(error);
  }
}

/**
 * Inference by onnxruntime-node on the CPU, in this process. A run blocks the process's other JavaScript; a crash in
 * native code ends it.
 */
export function createOrtInference(options: OrtOptions = {}): Inference {
  return {
    async open(model, session) {
      const ort = await runtime();
      const file = model instanceof Uint8Array ? undefined : model.path;
      // The runtime's own message for a missing file does not say so.
      if (file !== undefined) await (await openFileSource(file)).close();
      const fixed = session.dims ? await withDims(model, session.dims) : model;
      try {
        const settings = ortOptions({ ...options, ...session });
        const opened =
          fixed instanceof Uint8Array
            ? await ort.InferenceSession.create(fixed, settings)
            : await ort.InferenceSession.create(fixed.path, settings);
        return new Session(ort, opened, file);
      } catch (error) {
        throw openError(error, file);
      }
    },
  };
}

function ortOptions({ optimization, threads, exactInt8 }: SessionOptions): OrtSession.SessionOptions {
  return {
    executionProviders: ["cpu"],
    graphOptimizationLevel: optimization,
    logSeverityLevel: fatalOnly,
    ...(threads !== undefined && { intraOpNumThreads: threads }),
    ...(exactInt8 && { extra: { session: { disable_quant_qdq: "1" } } }),
  };
}

class Session implements InferenceSession {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  private readonly ort: Ort;
  private readonly session: OrtSession;
  private readonly file: string | undefined;
  private readonly running = new Set<Promise<unknown>>();
  private closing: Promise<void> | undefined;

  constructor(ort: Ort, session: OrtSession, file: string | undefined) {
    this.ort = ort;
    this.session = session;
    this.file = file;
    this.inputs = session.inputMetadata.map(valueInfo);
    this.outputs = session.outputMetadata.map(valueInfo);
  }

  async run(
    feeds: Readonly<Record<string, Tensor>>,
    fetches?: readonly string[],
  ): Promise<Readonly<Record<string, Tensor>>> {
    if (this.closing) throw inferenceError("closed", "The session is closed");
    const given = Object.fromEntries(this.inputs.map((input) => [input.name, this.feed(input, feeds[input.name])]));
    // Sequences and maps have no form in JavaScript: asking for them fails the whole run.
    const wanted = fetches ?? this.outputs.filter(({ type }) => type !== "unknown").map(({ name }) => name);
    const run = this.session.run(given, wanted);
    this.running.add(run);
    try {
      const results = Object.entries(await run);
      return Object.fromEntries(results.map(([name, value]) => [name, tensor(value)]));
    } catch (error) {
      throw runError(error, this.file);
    } finally {
      this.running.delete(run);
    }
  }

  close(): Promise<void> {
    this.closing ??= Promise.allSettled(this.running).then(() => this.session.release());
    return this.closing;
  }

  private feed(input: ValueInfo, given: Tensor | undefined): OrtTensor {
    const place = { ...(this.file !== undefined && { file: this.file }), item: input.name };
    if (given === undefined) throw inferenceError("feed", `The input ${input.name} is missing`, { place });
    if (given.type !== input.type) {
      const message = `The input ${input.name} takes ${input.type}, but was given ${given.type}`;
      throw inferenceError("feed", message, { place });
    }
    try {
      return new this.ort.Tensor(given.type as "float32", given.data as Float32Array, given.dims);
    } catch (cause) {
      const message = `The input ${input.name} has dimensions [${given.dims.join(", ")}] but ${given.data.length} elements`;
      throw inferenceError("feed", message, { place, cause });
    }
  }
}

/** Element types of the runtime that the port has; its 4-bit types come packed and are no one's inputs. */
const types: ReadonlySet<string> = new Set<TensorType>([
  "float32",
  "float64",
  "float16",
  "int8",
  "uint8",
  "int16",
  "uint16",
  "int32",
  "uint32",
  "int64",
  "uint64",
  "bool",
  "string",
]);

function isKnown(type: string): type is TensorType {
  return types.has(type);
}

function valueInfo(value: OrtSession.ValueMetadata): ValueInfo {
  const { name } = value;
  if (!value.isTensor || !isKnown(value.type)) return { name, type: "unknown", dims: [] };
  return { name, type: value.type, dims: value.shape.map((dim) => (dim === "" ? null : dim)) };
}

function tensor(value: OrtTensor): Tensor {
  const { type, dims, data } = value;
  if (!isKnown(type)) throw inferenceError("runFailed", `An output has the type ${type}, which is not supported`);
  return { type, dims: [...dims], data: type === "float16" ? patterns(data) : (data as TensorData) };
}

/** Newer versions of Node have a Float16Array, which the runtime then uses; the port has the bits. */
function patterns(data: OrtTensor.DataType): Uint16Array {
  if (data instanceof Uint16Array) return data;
  if (!ArrayBuffer.isView(data)) throw new TypeError("float16 data are no typed array");
  return new Uint16Array(data.buffer, data.byteOffset, data.byteLength / Uint16Array.BYTES_PER_ELEMENT);
}
