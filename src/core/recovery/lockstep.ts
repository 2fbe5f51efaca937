import { nodeReads } from "../model/scope.ts";
import { extract, type Lifetimes, lifetimesOf } from "../model/subgraph.ts";
import type { OnnxModel } from "../onnx/model.ts";
import { modelBytes } from "../onnx/write.ts";
import { elementTypeOf } from "../pipeline/elementTypes.ts";
import type { Inference, Tensor } from "../ports.ts";

export type Values = Readonly<Record<string, Tensor>>;

/**
 * A network that is run node by node over all samples: holds the values alive at one place of the execution order, and moves
 * on to a later one. Weights may be inputs of the graph, fed when the nodes that read them are run.
 */
export class Lockstep {
  private cut = 0;
  private readonly lifetimes: Lifetimes;

  /**
   * @param state feeds of each batch; @param weights graph inputs that are weights
   */
  constructor(
    private readonly model: OnnxModel,
    private readonly inference: Inference,
    private state: readonly Values[],
    private readonly weights: ReadonlySet<string>,
    private readonly threads?: number,
  ) {
    this.lifetimes = lifetimesOf(model.graph);
  }

  /** Values of one batch that are alive in front of the node at the cut. */
  at(batch: number): Values {
    return this.state[batch] ?? {};
  }

  /**
   * Runs the nodes up to the one with this index.
   * @param feedsOf values of the weights that they read
   */
  async advance(
    to: number,
    feedsOf: (weights: readonly string[]) => Promise<Values>,
    signal?: AbortSignal,
  ): Promise<void> {
    const { graph } = this.model;
    const { lifetimes } = this;
    const isActivation = (name: string) => !this.weights.has(name);
    const before = lifetimes.liveAt(this.cut).filter(isActivation);
    const after = lifetimes.liveAt(to).filter(isActivation);
    const computed = after.filter((name) => !before.includes(name));
    const read = new Set(graph.node.slice(this.cut, to).flatMap((node) => nodeReads(node)));
    const fed = [...this.weights].filter((name) => read.has(name));
    this.cut = to;
    if (computed.length === 0) {
      this.state = this.state.map((values) => pick(values, after));
      return;
    }
    const part = extract(this.model, [...before, ...fed], computed, elementTypeOf(typesOf(this.at(0))));
    const session = await this.inference.open(await modelBytes(part, signal), {
      optimization: "all",
      ...(this.threads !== undefined && { threads: this.threads }),
    });
    try {
      const feeds = await feedsOf(fed);
      const names = session.inputs.map((value) => value.name);
      const next: Values[] = [];
      for (const values of this.state) {
        signal?.throwIfAborted();
        const out = await session.run(pick({ ...values, ...feeds }, names), computed);
        next.push({ ...pick(values, after), ...out });
      }
      this.state = next;
    } finally {
      await session.close();
    }
  }
}

/** As the runtime gave them: of values that were put into the graph nothing else is known. */
function typesOf(values: Values): Map<string, Tensor["type"]> {
  return new Map(Object.entries(values).map(([name, { type }]) => [name, type]));
}

function pick(values: Values, names: readonly string[]): Values {
  return Object.fromEntries(names.flatMap((name) => (values[name] ? [[name, values[name]]] : [])));
}
