import { limitError, modelError } from "./errors.ts";
import * as limits from "./limits.ts";
import type { FieldRule, MessageRule } from "./schema.ts";
import { placeOf } from "./window.ts";

/** What one scan has used up so far, against the limits on all of it together; and the errors that end a scan. */
export class Budget {
  readonly file: string | undefined;
  private messages = 0;
  private nodes = 0;
  private tensors = 0;
  private fields = 0;
  private unknown = 0;
  private bytes = 0;

  constructor(file: string | undefined) {
    this.file = file;
  }

  message(rule: MessageRule, at: number, depth: number): void {
    this.depth(depth, at);
    if (++this.messages > limits.maxMessages) throw this.exceeded("parts", limits.maxMessages, at);
    if (rule.isNode && ++this.nodes > limits.maxNodes) throw this.exceeded("nodes", limits.maxNodes, at);
    if (rule.isTensor && ++this.tensors > limits.maxTensors) throw this.exceeded("tensors", limits.maxTensors, at);
  }

  depth(depth: number, at: number): void {
    if (depth > limits.maxMessageDepth) throw this.exceeded("messages inside each other", limits.maxMessageDepth, at);
  }

  /** One field outside tensor data; undefined for one that onnx.proto does not have. */
  field(rule: FieldRule | undefined, at: number): void {
    this.entries(1, at);
    if (!rule && ++this.unknown > limits.maxUnknownFields)
      throw this.exceeded("fields that ONNX does not have", limits.maxUnknownFields, at);
  }

  /** Entries of a list of numbers. */
  entries(count: number, at: number): void {
    this.fields += count;
    if (this.fields > limits.maxFields) throw this.exceeded("fields outside tensor data", limits.maxFields, at);
  }

  keep(bytes: number, at: number): void {
    this.bytes += bytes;
    if (this.bytes > limits.maxSkeletonBytes)
      throw this.exceeded("bytes outside tensor data", limits.maxSkeletonBytes, at);
  }

  exceeded(what: string, limit: number, at: number) {
    return limitError(what, limit, placeOf(this.file, at));
  }

  truncated(at: number, wanted: number, left: number) {
    const claims = wanted === 1 ? "one more byte" : `${wanted.toLocaleString("en-US")} bytes`;
    const rest = left === 0 ? "none is" : `${left.toLocaleString("en-US")} are`;
    const message = `A part of the file needs ${claims} where ${rest} left`;
    return modelError("truncatedModel", message, placeOf(this.file, at));
  }

  malformed(at: number, message: string) {
    return modelError("malformedModel", message, placeOf(this.file, at));
  }
}
