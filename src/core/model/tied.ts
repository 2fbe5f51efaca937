import type { NodeProto } from "onnx-buf";
import type { Candidate } from "./candidates.ts";
import { normalizeAxis, permutation, type WeightChain } from "./weightChain.ts";

/**
 * Nodes that see one tensor in several orders of its axes, as of the stored tensor itself: a table that rows are looked up in, whose
 * transpose the output layer multiplies by. The weight is then put in front of the Transpose nodes, which stay. Undefined where
 * they do not agree on the axis that has a scale for each place, or where anything else lies between.
 * @param pathOf path of a node, see Layer.nodes
 */
export function asStored(
  group: readonly Candidate[],
  pathOf: (node: NodeProto) => string | undefined,
): readonly Candidate[] | undefined {
  const [first] = group;
  const tensor = first?.chain?.tensor;
  const axis = first && storedAxis(first);
  if (tensor === undefined || axis === undefined) return undefined;
  const shape = tensor.dims.map(Number);
  const made: Candidate[] = [];
  for (const candidate of group) {
    const { chain, use } = candidate;
    if (candidate.reason !== undefined || candidate.shape || chain === undefined) return undefined;
    if (storedAxis(candidate) !== axis || chain.elementType !== tensor.dataType) return undefined;
    const step = chain.steps[0]?.node;
    const path = step && pathOf(step);
    if (step !== undefined && path === undefined) return undefined;
    const stored: WeightChain = {
      tensor,
      tensorName: chain.tensorName,
      steps: [],
      shape,
      elementType: chain.elementType,
    };
    const entry = path === undefined ? {} : { entry: { path, slot: 0 } };
    made.push({ ...candidate, chain: stored, axis, use: { ...use, ...entry, shape: chain.shape } });
  }
  return made;
}

/** Axis of the stored tensor that becomes the candidate's channel axis. */
function storedAxis({ chain, axis }: Candidate): number | undefined {
  let at = axis;
  for (const step of chain?.steps.toReversed() ?? []) {
    if (step.node.opType === "Identity") continue;
    if (step.node.opType !== "Transpose") return undefined;
    const perm = permutation(step, chain?.shape.length ?? 0);
    at = perm[normalizeAxis(at, perm.length)] ?? -1;
  }
  return at < 0 ? undefined : at;
}
