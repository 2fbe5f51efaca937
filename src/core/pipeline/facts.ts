import { opsetOf } from "../onnx/graph.ts";
import { formatBytes, formatCount } from "../plan/format.ts";
import type { PreparedModel } from "./prepare.ts";

/** What is said of a model as a whole. */
export interface Facts {
  readonly opset: number;
  readonly irVersion: number;
  readonly producer: string;
  readonly layers: number;
  readonly quantizable: number;
  readonly params: number;
  /** Undefined when a quantizable layer's are unknown, or there is none. */
  readonly macs?: number;
  /** Bytes of all weights and other constants as stored in the float model. */
  readonly floatBytes: number;
}

/** @param prepared a model, folded or as in the file */
export function factsOf({ model, discovery }: Pick<PreparedModel, "model" | "discovery">): Facts {
  const quantizable = discovery.layers.filter((layer) => layer.floatReason === undefined);
  const macs = quantizable.map((layer) => layer.macs);
  return {
    opset: opsetOf(model.proto, ""),
    irVersion: Number(model.proto.irVersion),
    producer: [model.proto.producerName, model.proto.producerVersion].filter((part) => part !== "").join(" "),
    layers: discovery.layers.length,
    quantizable: quantizable.length,
    params: discovery.layers.reduce((sum, layer) => sum + layer.params + layer.biasParams, 0),
    ...(macs.length > 0 && macs.every((m) => m !== undefined) && { macs: macs.reduce((sum, m) => sum + m, 0) }),
    floatBytes: discovery.layers.reduce((sum, layer) => sum + layer.floatBytes, discovery.otherConstantBytes),
  };
}

/** `opset 13 · 22 layers · 271 k parameters · 40.8 M MACs · 1.0 MiB in float` */
export function factsLine(facts: Facts): string {
  const macs = facts.macs === undefined ? [] : [`${formatCount(facts.macs)} MACs`];
  return [
    `opset ${facts.opset}`,
    `${facts.layers} layers`,
    `${formatCount(facts.params)} parameters`,
    ...macs,
    `${formatBytes(facts.floatBytes)} in float`,
  ].join(" · ");
}
