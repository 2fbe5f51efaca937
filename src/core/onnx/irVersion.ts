import type { OnnxModel } from "./model.ts";

/** From this IR version on, an initializer that is also a graph input is a default which a caller may replace. */
const defaultsVersion = 4n;

/**
 * Raises a model's IR version; does nothing when it is as new already. Below version 4 every initializer had to be an
 * input too; such inputs are dropped when that line is crossed, as they would turn weights into values that a runtime
 * may not take for constant.
 */
export function raiseIrVersion({ proto, graph }: OnnxModel, version: bigint): void {
  if (proto.irVersion >= version) return;
  if (proto.irVersion < defaultsVersion && version >= defaultsVersion) {
    const constants = new Set(graph.initializer.map((tensor) => tensor.name));
    graph.input = graph.input.filter((value) => !constants.has(value.name));
  }
  proto.irVersion = version;
}
