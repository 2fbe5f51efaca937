import type { DescMessage } from "@bufbuild/protobuf";
import { type ModelProto, ModelProtoSchema, type TensorProto, TensorProtoSchema } from "onnx-buf";
import { SigmaQuantError } from "../errors.ts";
import type { ByteSource, OpenExternal } from "../ports.ts";
import { checkTensor } from "./checkTensor.ts";
import { checkAcyclic } from "./cycles.ts";
import { modelError } from "./errors.ts";
import { ExternalFiles } from "./external.ts";
import type { OnnxModel } from "./model.ts";
import { checkNames } from "./names.ts";
import { Scanner } from "./scan.ts";
import { messageRule } from "./schema.ts";
import { isText, recognize, sniffBytes } from "./sniff.ts";
import { TensorStore } from "./tensors.ts";
import { allTensors } from "./walk.ts";
import { readExactly } from "./window.ts";

export interface ReadOptions {
  /** Opens external-data files; without it, models that have them open, but their external tensors cannot be read. */
  readonly openExternal?: OpenExternal;
  /** The file's name, for messages. */
  readonly file?: string;
  readonly signal?: AbortSignal;
}

/**
 * Opens a model: the graph, and the places of the tensors. Large tensor data are jumped over, never read; the source
 * must stay readable as long as the model is used.
 * @throws SQ2001 to SQ2010, SQ2013, SQ2017, SQ2018, SQ2020 (src/core/onnx/errors.ts), each with the byte or the tensor
 */
export async function readModel(source: ByteSource, options: ReadOptions = {}): Promise<OnnxModel> {
  const { message: proto, tensors } = await readMessage<ModelProto>(ModelProtoSchema, source, options);
  const { graph } = proto;
  if (graph === undefined) {
    const head = await readExactly(source, 0, Math.min(sniffBytes, source.size), options.file);
    if (isText(head)) throw textError(options.file);
    throw modelError("noGraph", "The file has no graph", options.file === undefined ? {} : { file: options.file });
  }
  for (const tensor of allTensors(proto)) {
    options.signal?.throwIfAborted();
    checkTensor(tensor, tensors);
  }
  checkNames(proto, options.file);
  checkAcyclic(proto, options.file);
  return { proto, graph, tensors };
}

/**
 * Opens a file that holds one tensor (`input_0.pb` in ONNX's test-data folders).
 * @throws as readModel
 */
export async function readTensorFile(
  source: ByteSource,
  options: ReadOptions = {},
): Promise<{ readonly tensor: TensorProto; readonly tensors: TensorStore }> {
  const { message: tensor, tensors } = await readMessage<TensorProto>(TensorProtoSchema, source, options);
  checkTensor(tensor, tensors);
  return { tensor, tensors };
}

async function readMessage<M>(
  desc: DescMessage,
  source: ByteSource,
  options: ReadOptions,
): Promise<{ message: M; tensors: TensorStore }> {
  const { file, signal } = options;
  signal?.throwIfAborted();
  if (source.size === 0) throw modelError("emptyFile", "The file is empty", file === undefined ? {} : { file });
  const head = await readExactly(source, 0, Math.min(sniffBytes, source.size), file);
  const other = recognize(head, file);
  if (other) throw other;
  const scanner = new Scanner(source, file, signal);
  try {
    const message = (await scanner.scan(messageRule(desc))) as M;
    const files = new ExternalFiles(options.openExternal);
    const tensors = new TensorStore({ files, payloads: scanner.payloads, ...(file !== undefined && { file }) });
    return { message, tensors };
  } catch (error) {
    if (error instanceof SigmaQuantError && isText(head)) throw textError(file);
    throw error;
  }
}

function textError(file: string | undefined): SigmaQuantError {
  const place = { ...(file !== undefined && { file }), byte: 0 };
  return modelError("notOnnx", "The file is text, not an ONNX model", place);
}
