import { elementwiseOps, viewOps } from "./inPlaceOps.ts";

/**
 * A node of the graph in the order of execution. Empty names stand for optional inputs or outputs that are left out. What
 * the subgraphs of If, Loop and Scan take from outside belongs among the inputs of that node.
 */
export interface ScheduledNode {
  readonly name: string;
  readonly opType: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/** A piece of memory at one moment and the tensors whose data it holds (several when they are views of each other). */
export interface LiveBuffer {
  readonly tensors: readonly string[];
  readonly bytes: number;
}

export interface PeakMemory {
  /** Bytes. A lower bound while `unknown` is not empty. */
  readonly peak: number;
  /** Name of the first node that runs at the peak; undefined in a graph without nodes. */
  readonly at: string | undefined;
  /** What is alive there, largest first. */
  readonly live: readonly LiveBuffer[];
  /** Activations without a known size: counted as nothing. */
  readonly unknown: readonly string[];
}

interface Buffer {
  readonly bytes: number;
  readonly start: number;
  /** Step of the last use of any of its tensors. */
  end: number;
  readonly tensors: { readonly name: string; readonly start: number; readonly end: number }[];
}

/**
 * Largest sum of live activations while the nodes run in the given order, bytes.
 *
 *     peak = max over nodes i of the sum of the buffers with start <= i <= end
 *
 * A tensor lives from the node that makes it to the last that reads it, so that a node's inputs and outputs are alive
 * together; graph inputs live from the start, graph outputs to the end. An output shares the buffer of an input when the
 * operator only views it (`viewOps`), or when it is elementwise (`elementwiseOps`), the input's size is the output's and
 * nothing needs the input's buffer afterwards. Fragmentation and kernels' scratch memory are not counted: it is what an
 * ideal planner needs (Pisarchyk and Lee, arXiv 2001.03288, on lifetimes and shared objects).
 *
 * Names that are neither graph inputs nor made by a node are constants, and so is what a node makes of constants alone
 * (Constant, a dequantized or transposed weight): they are weights' business and not counted.
 *
 * @param bytesOf bytes of a tensor (`activationBytes`), undefined when its shape is unknown
 */
export function peakActivationBytes(
  schedule: readonly ScheduledNode[],
  graph: { readonly inputs: readonly string[]; readonly outputs: readonly string[] },
  bytesOf: (tensor: string) => number | undefined,
): PeakMemory {
  const buffers = allocate(schedule, graph, bytesOf);
  const change = new Array<number>(schedule.length + 2).fill(0);
  for (const { bytes, start, end } of buffers.all) {
    change[start] = (change[start] ?? 0) + bytes;
    change[end + 1] = (change[end + 1] ?? 0) - bytes;
  }
  let now = 0;
  let peak = 0;
  let step = 0;
  for (let index = 0; index < Math.max(1, schedule.length); index += 1) {
    now += change[index] ?? 0;
    if (index === 0 || now > peak) {
      peak = now;
      step = index;
    }
  }
  const live = buffers.all
    .filter((buffer) => buffer.bytes > 0 && buffer.start <= step && step <= buffer.end)
    .map(({ bytes, tensors }) => ({
      tensors: tensors.filter((t) => t.start <= step && step <= t.end).map((t) => t.name),
      bytes,
    }))
    .sort((a, b) => b.bytes - a.bytes);
  return { peak, at: schedule[step]?.name, live, unknown: buffers.unknown };
}

function allocate(
  schedule: readonly ScheduledNode[],
  graph: { readonly inputs: readonly string[]; readonly outputs: readonly string[] },
  bytesOf: (tensor: string) => number | undefined,
): { readonly all: readonly Buffer[]; readonly unknown: readonly string[] } {
  const lastUse = new Map<string, number>();
  for (const [step, node] of schedule.entries()) for (const input of node.inputs) lastUse.set(input, step);
  // After the last node, so that even that one can't write over an output.
  for (const output of graph.outputs) lastUse.set(output, schedule.length);

  const all: Buffer[] = [];
  const unknown: string[] = [];
  const bufferOf = new Map<string, Buffer>();
  const add = (name: string, start: number, shared: Buffer | undefined, bytes: number): void => {
    const end = Math.max(start, lastUse.get(name) ?? start);
    const buffer = shared ?? { bytes, start, end, tensors: [] };
    if (!shared) all.push(buffer);
    buffer.tensors.push({ name, start, end });
    buffer.end = Math.max(buffer.end, end);
    bufferOf.set(name, buffer);
  };
  const sizeOf = (name: string): number => {
    const bytes = bytesOf(name);
    if (bytes === undefined) unknown.push(name);
    return bytes ?? 0;
  };

  for (const name of new Set(graph.inputs)) if (name !== "") add(name, 0, undefined, sizeOf(name));
  for (const [step, node] of schedule.entries()) {
    if (!node.inputs.some((input) => bufferOf.has(input))) continue;
    for (const [position, name] of node.outputs.entries()) {
      if (name === "" || bufferOf.has(name)) continue;
      const bytes = sizeOf(name);
      add(name, step, position === 0 ? sharedBuffer(node, step, bytes, bufferOf) : undefined, bytes);
    }
  }
  return { all, unknown };
}

/** The input's buffer that the node's first output can live in, if any. */
function sharedBuffer(
  node: ScheduledNode,
  step: number,
  bytes: number,
  bufferOf: ReadonlyMap<string, Buffer>,
): Buffer | undefined {
  if (viewOps.has(node.opType)) {
    const viewed = bufferOf.get(node.inputs[0] ?? "");
    // A view of unequal size means that one of the two sizes is unknown or assumed otherwise: then it counts by itself.
    return viewed?.bytes === bytes ? viewed : undefined;
  }
  if (!elementwiseOps.has(node.opType)) return undefined;
  for (const input of node.inputs) {
    const buffer = bufferOf.get(input);
    if (buffer && buffer.bytes === bytes && buffer.end <= step) return buffer;
  }
  return undefined;
}
